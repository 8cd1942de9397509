#include "canvas.h"
#include "art.h"

// The frame counter's pixels: two rows of the last 32 columns, which only the heartbeat writes.
enum { RESERVED_X = 208, RESERVED_ROWS = 2 };

static u32 spread[256]; // eight bits as eight nibbles of 0 or 1

void canvas_init(void)
{
    for (int bits = 0; bits < 256; bits++) {
        u32 nibbles = 0;
        for (int bit = 0; bit < 8; bit++)
            nibbles |= (u32)(bits >> bit & 1) << (4 * bit);
        spread[bits] = nibbles;
    }
}

static inline __attribute__((always_inline)) volatile u32 *row_word(int x, int y)
{
    return (volatile u32 *)VIDEO_RAM + ((y >> 3) * CANVAS_COLUMNS + (x >> 3)) * 8 + (y & 7);
}

void canvas_fill(int x, int y, int width, int height, enum canvas_color color)
{
    int end_x = x + width, end_y = y + height;
    x = x < 0 ? 0 : x;
    y = y < 0 ? 0 : y;
    end_x = end_x > SCREEN_WIDTH ? SCREEN_WIDTH : end_x;
    end_y = end_y > SCREEN_HEIGHT ? SCREEN_HEIGHT : end_y;
    u32 ink = 0x11111111u * color;
    for (; y < end_y; y++) {
        int end = y < RESERVED_ROWS && end_x > RESERVED_X ? RESERVED_X : end_x;
        if (x >= end)
            continue;
        volatile u32 *word = row_word(x, y);
        u32 first = 0xFFFFFFFFu << (4 * (x & 7)), last = end & 7 ? ~(0xFFFFFFFFu << (4 * (end & 7))) : 0xFFFFFFFFu;
        int words = ((end - 1) >> 3) - (x >> 3);
        if (words == 0) {
            first &= last;
            *word = (*word & ~first) | (ink & first);
            continue;
        }
        *word = (*word & ~first) | (ink & first);
        for (word += 8; --words > 0; word += 8)
            *word = ink;
        *word = (*word & ~last) | (ink & last);
    }
}

void canvas_clear(void)
{
    canvas_fill(0, 0, SCREEN_WIDTH, SCREEN_HEIGHT, COLOR_CLEAR);
}

void canvas_window(int x, int y, int width, int height)
{
    canvas_fill(x + 1, y, width - 2, 1, COLOR_SHADOW);
    canvas_fill(x + 1, y + height - 1, width - 2, 1, COLOR_SHADOW);
    canvas_fill(x, y + 1, 1, height - 2, COLOR_SHADOW);
    canvas_fill(x + width - 1, y + 1, 1, height - 2, COLOR_SHADOW);
    canvas_fill(x + 2, y + 1, width - 4, 1, COLOR_BORDER);
    canvas_fill(x + 2, y + height - 2, width - 4, 1, COLOR_BORDER);
    canvas_fill(x + 1, y + 2, 1, height - 4, COLOR_BORDER);
    canvas_fill(x + width - 2, y + 2, 1, height - 4, COLOR_BORDER);
    canvas_fill(x + 2, y + 2, width - 4, height - 4, COLOR_WINDOW);
}

static inline __attribute__((always_inline)) void put_row(int x, int y, u32 bits, enum canvas_color color)
{
    if (!bits || x < 0 || x >= SCREEN_WIDTH || y < 0 || y >= SCREEN_HEIGHT)
        return;
    if (y < RESERVED_ROWS && x + 8 > RESERVED_X)
        return;
    u32 nibbles = spread[bits & 0xFF];
    int shift = 4 * (x & 7);
    volatile u32 *word = row_word(x, y);
    u32 low = nibbles << shift;
    *word = (*word & ~(low * 15)) | low * color;
    if (shift) {
        u32 high = nibbles >> (32 - shift);
        if (high && x < SCREEN_WIDTH - 8) {
            word += 8;
            *word = (*word & ~(high * 15)) | high * color;
        }
    }
}

int canvas_character(int x, int y, enum canvas_color color, char character)
{
    int glyph = (u8)character - FONT_FIRST;
    if (glyph < 0 || glyph >= FONT_COUNT)
        glyph = '?' - FONT_FIRST;
    for (int row = 0; row < FONT_ROWS; row++) {
        u32 bits = font_rows[glyph][row];
        put_row(x + 1, y + row + 1, bits, COLOR_SHADOW);
    }
    for (int row = 0; row < FONT_ROWS; row++)
        put_row(x, y + row, font_rows[glyph][row], color);
    return x + font_widths[glyph] + 1;
}

int canvas_text(int x, int y, enum canvas_color color, const char *text)
{
    int left = x;
    for (; *text; text++) {
        if (*text == '\n') {
            x = left;
            y += LINE_HEIGHT;
        } else {
            x = canvas_character(x, y, color, *text);
        }
    }
    return x;
}

int text_width(const char *text)
{
    int width = 0;
    for (; *text && *text != '\n'; text++) {
        int glyph = (u8)*text - FONT_FIRST;
        width += font_widths[glyph < 0 || glyph >= FONT_COUNT ? '?' - FONT_FIRST : glyph] + 1;
    }
    return width;
}

void canvas_text_centered(int y, enum canvas_color color, const char *text)
{
    canvas_text((SCREEN_WIDTH - text_width(text)) / 2, y, color, text);
}
