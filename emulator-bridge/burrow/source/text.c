#include "text.h"

void *memset(void *to, int value, u32 bytes)
{
    u8 *byte = to;
    if (((u32)to & 3) == 0) {
        u32 word = (u8)value * 0x01010101u;
        for (; bytes >= 4; bytes -= 4, byte += 4)
            *(u32 *)byte = word;
    }
    while (bytes--)
        *byte++ = value;
    return to;
}

void *memcpy(void *to, const void *from, u32 bytes)
{
    u8 *target = to;
    const u8 *source = from;
    if ((((u32)to | (u32)from) & 3) == 0)
        for (; bytes >= 4; bytes -= 4, target += 4, source += 4)
            *(u32 *)target = *(const u32 *)source;
    while (bytes--)
        *target++ = *source++;
    return to;
}

static char *number(char *out, char *end, int value)
{
    char digits[12];
    int count = 0;
    u32 rest = value < 0 ? -(u32)value : (u32)value;
    do {
        digits[count++] = '0' + rest % 10;
        rest /= 10;
    } while (rest);
    if (value < 0)
        digits[count++] = '-';
    while (count && out < end)
        *out++ = digits[--count];
    return out;
}

void text_format_list(char *out, int bytes, const char *format, __builtin_va_list arguments)
{
    char *end = out + bytes - 1;
    for (; *format && out < end; format++) {
        if (*format != '%') {
            *out++ = *format;
            continue;
        }
        format++;
        if (*format == 'd') {
            out = number(out, end, __builtin_va_arg(arguments, int));
        } else if (*format == 's') {
            const char *text = __builtin_va_arg(arguments, const char *);
            while (*text && out < end)
                *out++ = *text++;
        } else {
            *out++ = *format;
        }
    }
    *out = 0;
}

void text_format(char *out, int bytes, const char *format, ...)
{
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    text_format_list(out, bytes, format, arguments);
    __builtin_va_end(arguments);
}

void text_copy(char *out, int bytes, const char *text)
{
    text_format(out, bytes, "%s", text);
}
