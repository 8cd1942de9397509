// Strings, and the plain memory functions the compiler expects to find.
#ifndef BURROW_TEXT_H
#define BURROW_TEXT_H

#include "types.h"

void *memset(void *to, int value, u32 bytes);
void *memcpy(void *to, const void *from, u32 bytes);

// Writes format with %s, %d (signed) and %% into out, at most bytes with the final zero.
void text_format(char *out, int bytes, const char *format, ...);
void text_format_list(char *out, int bytes, const char *format, __builtin_va_list arguments);
void text_copy(char *out, int bytes, const char *text);

#endif
