#include "render/font.h"

// CORVID_FONT is the path of the file.
asm(".section .rodata\n"
    ".global corvid_font_begin\n"
    ".global corvid_font_end\n"
    "corvid_font_begin:\n"
    ".incbin \"" CORVID_FONT
    "\"\n"
    "corvid_font_end:\n"
    ".previous\n");
