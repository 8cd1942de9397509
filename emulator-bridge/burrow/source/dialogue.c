#include "dialogue.h"
#include "canvas.h"
#include "input.h"
#include "memory.h"
#include "message.h"
#include "sound.h"
#include "text.h"
#include "video.h"

enum { BOX_TOP = 106, BOX_HEIGHT = 52, BOX_LEFT = 4, CHOICE_LEFT = 188, CHOICE_TOP = 66, CHOICE_HEIGHT = 36 };
enum { CHARACTERS_A_FRAME = 2, CHARACTERS_A_FRAME_FAST = 8, SPEAKER_MAX = 80, FLAGS_WAIT = 0x101 };

static const struct choice_entry yes_no[] = {{"Yes", 1}, {"No", 0}, {NULL, -1}};
static s32 layout_before;
static u8 waiting_before;

static void open(const char *speaker, const char *text)
{
    waiting_before = dungeon->is_waiting;
    dungeon->is_waiting = 0;
    message_hide();
    layout_before = window_layout;
    window_layout = LAYOUT_DIALOGUE;
    text_copy(dialogue_speaker, SPEAKER_MAX, speaker);
    text_copy(dialogue_text, DIALOGUE_MAX, text);
    dialogue_next = dialogue_text;
    dialogue_flags = FLAGS_WAIT;
    canvas_window(BOX_LEFT, BOX_TOP, SCREEN_WIDTH - 2 * BOX_LEFT, BOX_HEIGHT);
    canvas_text(BOX_LEFT + 8, BOX_TOP + 4, COLOR_YELLOW, speaker);
}

static void print(void)
{
    int left = BOX_LEFT + 8, x = left, y = BOX_TOP + 4 + LINE_HEIGHT;
    dialogue_state = DIALOGUE_PRINTING;
    frame_wait();
    while (*dialogue_next) {
        int count = inputs.held & (KEY_A | KEY_B) ? CHARACTERS_A_FRAME_FAST : CHARACTERS_A_FRAME;
        while (count-- > 0 && *dialogue_next) {
            char character = *dialogue_next++;
            if (character == '\n') {
                x = left;
                y += LINE_HEIGHT;
            } else {
                x = canvas_character(x, y, COLOR_WHITE, character);
            }
        }
        frame_wait();
    }
}

static void close(void)
{
    dialogue_state = DIALOGUE_CLOSING;
    canvas_fill(0, CHOICE_TOP, SCREEN_WIDTH, SCREEN_HEIGHT - CHOICE_TOP, COLOR_CLEAR);
    frame_wait();
    dialogue_state = DIALOGUE_NONE;
    dialogue_choices = NULL;
    window_layout = layout_before;
    dungeon->is_waiting = waiting_before;
}

void dialogue_say(const char *speaker, const char *text)
{
    open(speaker, text);
    print();
    dialogue_state = DIALOGUE_END;
    int frames = 0;
    do {
        boolean shown = (frames++ & 31) < 20;
        canvas_fill(222, BOX_TOP + BOX_HEIGHT - 10, 8, 6, COLOR_WINDOW);
        for (int row = 0; shown && row < 4; row++)
            canvas_fill(222 + row, BOX_TOP + BOX_HEIGHT - 10 + row, 7 - 2 * row, 1, COLOR_YELLOW);
        frame_wait();
    } while (!key_pressed(KEY_A | KEY_B) && !(key_held(KEY_B) && !(inputs.held & KEY_PAD)));
    sound_play(SOUND_CHOOSE);
    close();
}

static void draw_choice(void)
{
    canvas_window(CHOICE_LEFT, CHOICE_TOP, 48, CHOICE_HEIGHT);
    for (int index = 0; index < 2; index++) {
        int y = CHOICE_TOP + 6 + 13 * index;
        if (dialogue_cursor == index)
            canvas_text(CHOICE_LEFT + 6, y, COLOR_YELLOW, ">");
        canvas_text(CHOICE_LEFT + 15, y, COLOR_WHITE, yes_no[index].text);
    }
}

boolean dialogue_ask(const char *speaker, const char *text)
{
    open(speaker, text);
    print();
    dialogue_state = DIALOGUE_BEFORE_CHOICE;
    dialogue_choices = yes_no;
    dialogue_cursor = 0;
    draw_choice();
    frame_wait();
    dialogue_state = DIALOGUE_CHOICE;
    boolean answer = 0;
    for (;;) {
        frame_wait();
        if (key_repeated(KEY_UP | KEY_DOWN)) {
            dialogue_cursor ^= 1;
            sound_play(SOUND_CURSOR);
            draw_choice();
        } else if (key_pressed(KEY_A)) {
            answer = yes_no[dialogue_cursor].action;
            break;
        } else if (key_pressed(KEY_B)) {
            break;
        }
    }
    dialogue_state = DIALOGUE_CHOSEN;
    frame_wait();
    close();
    return answer;
}
