#include "message.h"
#include "canvas.h"
#include "memory.h"
#include "text.h"

enum { POPUP_LINES = 2, POPUP_FRAMES = 150, POPUP_TOP = 129, POPUP_HEIGHT = 30, TEXT_MAX = 60 };

static boolean changed; // drawn once a frame, however many messages came in it

static void draw_popup(void)
{
    int count = dungeon->popup_write - dungeon->popup_read;
    canvas_window(2, POPUP_TOP, SCREEN_WIDTH - 4, POPUP_HEIGHT);
    for (int line = 0; line < count; line++)
        canvas_text(9, POPUP_TOP + 4 + LINE_HEIGHT * line, line + 1 == count ? COLOR_WHITE : COLOR_GREY,
                    dungeon->popup_lines[(dungeon->popup_read + line) % COUNT_OF(dungeon->popup_lines)]);
}

static void log_add(const char *text)
{
    struct log_line *line = &dungeon->log[dungeon->log_next];
    line->used = 1;
    text_copy(line->text, sizeof line->text, text);
    dungeon->log_next = (dungeon->log_next + 1) % LOG_MAX;
}

void message(const char *format, ...)
{
    char text[TEXT_MAX];
    __builtin_va_list arguments;
    __builtin_va_start(arguments, format);
    text_format_list(text, sizeof text, format, arguments);
    __builtin_va_end(arguments);
    log_add(text);
    text_copy(dungeon->popup_lines[dungeon->popup_write % COUNT_OF(dungeon->popup_lines)], TEXT_MAX, text);
    dungeon->popup_write++;
    if (dungeon->popup_write - dungeon->popup_read > POPUP_LINES)
        dungeon->popup_read++;
    dungeon->popup_frames_left = POPUP_FRAMES;
    dungeon->popup_state = 2;
    if (window_layout == LAYOUT_FREE || window_layout == LAYOUT_POPUP) {
        window_layout = LAYOUT_POPUP;
        changed = 1;
    }
}

void message_tick(void)
{
    if (changed && window_layout == LAYOUT_POPUP)
        draw_popup();
    changed = 0;
    if (dungeon->popup_frames_left == 0 || --dungeon->popup_frames_left > 0)
        return;
    message_hide();
}

void message_hide(void)
{
    dungeon->popup_frames_left = 0;
    dungeon->popup_write = dungeon->popup_read = 0;
    dungeon->popup_state = 0;
    if (window_layout == LAYOUT_POPUP) {
        window_layout = LAYOUT_FREE;
        canvas_fill(0, POPUP_TOP, SCREEN_WIDTH, POPUP_HEIGHT, COLOR_CLEAR);
    }
}
