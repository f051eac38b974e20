"""Reads an animation with Pillow and writes what a viewer shows, for tests of the writers.

Usage: animation_frames.py FILE OUTPUT

OUTPUT: one line "frames width height loop milliseconds...", then the frames as RGB bytes; loop 0 is for ever.
"""

import sys

from PIL import Image, ImageSequence


def main():
    source, output = sys.argv[1:]
    durations, pixels = [], b""
    with Image.open(source) as animation:
        width, height = animation.size
        for frame in ImageSequence.Iterator(animation):
            durations.append(frame.info["duration"])
            pixels += frame.convert("RGB").tobytes()
        loop = animation.info.get("loop", -1)
    head = [len(durations), width, height, loop, *durations]
    with open(output, "wb") as file:
        file.write((" ".join(str(value) for value in head) + "\n").encode() + pixels)


if __name__ == "__main__":
    main()
