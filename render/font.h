// DejaVu Sans, whose file is part of the program.
#pragma once

namespace corvid::font {

extern "C" const unsigned char corvid_font_begin[], corvid_font_end[];

inline const unsigned char* const kBytes = corvid_font_begin;
inline long size() { return corvid_font_end - corvid_font_begin; }

}  // namespace corvid::font
