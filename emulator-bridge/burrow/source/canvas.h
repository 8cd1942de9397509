// The text layer: a 240x160 picture in sixteen colours in front of everything, drawn straight into video memory.
#ifndef BURROW_CANVAS_H
#define BURROW_CANVAS_H

#include "types.h"

enum { CANVAS_COLUMNS = 30, CANVAS_ROWS = 20, LINE_HEIGHT = 12 };

enum canvas_color { COLOR_CLEAR, COLOR_WINDOW, COLOR_BORDER, COLOR_WHITE, COLOR_SHADOW, COLOR_YELLOW, COLOR_RED,
                    COLOR_GREEN, COLOR_BLUE, COLOR_GREY, COLOR_DARK, COLOR_MAP_SEEN, COLOR_ORANGE, COLOR_MAP_FLOOR };

void canvas_init(void);
FAST_CODE void canvas_fill(int x, int y, int width, int height, enum canvas_color color);
void canvas_clear(void);
void canvas_window(int x, int y, int width, int height);
FAST_CODE int canvas_character(int x, int y, enum canvas_color color, char character); // returns the next x
int canvas_text(int x, int y, enum canvas_color color, const char *text);
int text_width(const char *text);
void canvas_text_centered(int y, enum canvas_color color, const char *text);

#endif
