#include "screens.h"
#include "canvas.h"
#include "floor.h"
#include "input.h"
#include "render.h"
#include "save.h"
#include "sound.h"
#include "text.h"
#include "video.h"

enum { FADE_FRAMES = 12, TITLE_FADE_FULL = 32, SCREEN_ID_MAIN = 1, PROMPT_Y = 92, MOLE_X = 88, MOLE_Y = 52, END_TOP = 102 };

static s32 title_object[16] IN_EXTERNAL_RAM;
static int title_frames;

static void draw_title(void)
{
    sprites_clear();
    int hop = title_frames % 96 < 12 ? (title_frames % 96 < 6 ? title_frames % 96 : 12 - title_frames % 96) : 0;
    sprite_add(MOLE_X, MOLE_Y - hop, SPRITE_64, SPRITE_TILE_TITLE, 0, 0);
    if (title_frames % 48 == 0)
        canvas_text_centered(140, COLOR_WHITE, "Press START");
    else if (title_frames % 48 == 34)
        canvas_fill(80, 139, 80, 13, COLOR_CLEAR);
    title_frames++;
}

static void fade_title(int from, int to)
{
    for (int frame = 1; frame <= FADE_FRAMES; frame++) {
        video_fade(from + (to - from) * frame / FADE_FRAMES);
        title_brightness = TITLE_FADE_FULL - video_fade_level() * TITLE_FADE_FULL / FADE_BLACK;
        frame_wait();
    }
}

void screen_title(void)
{
    char text[32];
    int record = record_floor();
    canvas_clear();
    window_layout = LAYOUT_INITIAL;
    state_word = STATE_TITLE;
    video_load_title();
    if (record > FLOOR_COUNT)
        text_copy(text, sizeof text, "Record: out of the burrow!");
    else
        text_format(text, sizeof text, "Record: B%dF", record);
    if (record)
        canvas_text_centered(8, COLOR_GREY, text);
    title_frames = 0;
    scene_set(draw_title, NULL);
    fade_title(FADE_BLACK, 0);
    title_object[0] = SCREEN_ID_MAIN;
    title_menu = title_object;
    do
        frame_wait();
    while (!key_pressed(KEY_A | KEY_START));
    sound_play(SOUND_LEVEL_UP);
    title_menu = NULL;
    fade_title(0, FADE_BLACK);
    scene_set(NULL, NULL);
    sprites_clear();
}

static void draw_end(void)
{
    sprites_clear();
    sprite_add(MOLE_X, MOLE_Y - 4, SPRITE_64, SPRITE_TILE_TITLE, 0, 0);
}

// The mole sits above the figures of the run: in the meadow if it came out, else in the dark.
void screen_end(enum run_end end)
{
    char text[48];
    const struct monster *monster = &dungeon->team[0];
    boolean cleared = end == RUN_CLEARED;
    canvas_clear();
    state_word = cleared ? STATE_COMPLETED : STATE_GAME_OVER;
    if (cleared)
        video_load_title();
    else
        memset(terrain_map, 0, sizeof terrain_map);
    scene_set(draw_end, NULL);
    canvas_window(20, END_TOP, 200, 56);
    canvas_text_centered(END_TOP + 5, cleared ? COLOR_GREEN : COLOR_ORANGE, cleared ? "Out into the meadow!" : "Game over");
    text_format(text, sizeof text, cleared ? "All %d floors, level %d" : "Floor B%dF, level %d", dungeon->floor,
                monster->level);
    canvas_text_centered(END_TOP + 17, COLOR_WHITE, text);
    text_format(text, sizeof text, "%d turns, %d coins", run_turns, money);
    canvas_text_centered(END_TOP + 29, COLOR_WHITE, text);
    canvas_text_centered(END_TOP + 42, COLOR_GREY, "Press START");
    int frame = 0;
    do {
        frame += frame < FADE_FRAMES;
        video_fade(FADE_BLACK - FADE_BLACK * frame / FADE_FRAMES);
        frame_wait();
    } while (!key_pressed(KEY_A | KEY_START));
    video_fade(FADE_BLACK);
    scene_set(NULL, NULL);
    sprites_clear();
    canvas_clear();
}
