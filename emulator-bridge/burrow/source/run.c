#include "run.h"
#include "canvas.h"
#include "dialogue.h"
#include "entity.h"
#include "floor.h"
#include "items.h"
#include "message.h"
#include "random.h"
#include "render.h"
#include "save.h"
#include "species.h"
#include "text.h"
#include "turn.h"
#include "video.h"

enum { DUNGEON_ID = 1, FADE_FRAMES = 8, BANNER_FRAMES = 36, FLOORS_A_PALETTE = 5, JOINED_AS_LEADER = 64,
       STRAY_FLOOR_FIRST = 2, STRAY_FLOORS = 4, RESCUES_NONE = 0, MOVE_CLAW = 355 };

static enum run_end end;

int run_stray_floor(void)
{
    return STRAY_FLOOR_FIRST + (dungeon->run_seed >> 3) % STRAY_FLOORS;
}

static void member_begin(int slot, int species, int level, const char *name)
{
    struct monster *monster = &dungeon->team[slot];
    memset(monster, 0, sizeof *monster);
    monster->species = monster->species_shown = species;
    monster->is_leader = slot == 0;
    monster->team_index = slot;
    monster->speed = SPEED_NORMAL;
    monster->types[0] = species_table[species].types[0];
    monster->joined_dungeon = slot == 0 ? JOINED_AS_LEADER : DUNGEON_ID;
    monster->joined_floor = dungeon->floor;
    monster->belly = monster->belly_max = 100;
    monster->moves[0][0] = 1;
    monster->moves[0][2] = MOVE_CLAW & 0xFF;
    monster->moves[0][3] = MOVE_CLAW >> 8;
    monster->moves[0][4] = 99;
    for (int index = 0; index < 2; index++)
        monster->attack_stages[index] = monster->defence_stages[index] = monster->hit_stages[index] = 10;
    monster_set_level(monster, level);
    monster->experience = experience_for_level(level);
    text_copy(team_records[slot].name, sizeof team_records[slot].name, name);
}

void team_records_update(void)
{
    for (int slot = 0; slot < TEAM_MAX; slot++) {
        const struct monster *monster = &dungeon->team[slot];
        struct team_record *record = &team_records[slot];
        record->flags = monster->species != 0;
        record->is_leader = monster->is_leader;
        record->level = monster->level;
        record->joined_dungeon = monster->joined_dungeon;
        record->joined_floor = monster->joined_floor;
        record->recruited_id = slot;
        record->species = monster->species;
        record->hp = monster->hp;
        record->hp_max = monster->hp_max;
        record->stats[0] = record->stats[1] = monster->attack[0];
        record->stats[2] = record->stats[3] = monster->defence[0];
        record->experience = monster->experience;
        record->belly = monster->belly;
        record->belly_thousandths = monster->belly_thousandths;
        record->belly_max = monster->belly_max;
    }
}

void stray_joins(struct entity *stray)
{
    struct tile_position place = stray->position;
    monster_remove(stray);
    member_begin(1, SPECIES_SHREW, dungeon->team[0].level, "Pip");
    team_place(1, place);
    team_records_update();
    message("Pip joined the team!");
}

void run_end_with(enum run_end kind)
{
    end = kind;
    dungeon->outcome = FLOOR_RUN_ENDS;
    dungeon->exit_kind = kind == RUN_CLEARED ? EXIT_CLEARED : EXIT_NONE;
}

static void run_begin(void)
{
    u32 address = test_dungeon_address, seed = test_seed;
    boolean moved = (address & 3) == 0 && address >= DUNGEON_ADDRESS_MIN && address <= DUNGEON_ADDRESS_MAX;
    struct floor_object *object = (struct floor_object *)(moved ? address : DUNGEON_ADDRESS);
    memset(object, 0, sizeof *object);
    dungeon = object;
    running_seed = seed ? seed : random_system_word();
    run_turns = 0;
    random_run_begin(running_seed);
    dungeon->id = DUNGEON_ID;
    dungeon->floor = 1;
    dungeon->floors_plus_one = FLOOR_COUNT + 1;
    dungeon->queued_menu = -1;
    dungeon->has_bag = 1;
    dungeon->can_recruit = 1;
    dungeon->rescues = RESCUES_NONE;
    memset(bag, 0, BAG_MAX * sizeof bag[0]);
    memset(team_records, 0, TEAM_MAX * sizeof team_records[0]);
    money = 0;
    bag_add((struct item){.id = ITEM_TURNIP});
    bag_add((struct item){.id = ITEM_DEWBERRY});
    bag_add((struct item){.id = ITEM_DEWBERRY});
    bag_add((struct item){.id = ITEM_PHOENIX_SEED});
    bag_add((struct item){.id = ITEM_PEBBLES, .quantity = 5});
    member_begin(0, SPECIES_MOLE, 1, "Moss");
    team_records_update();
    game_mode = MODE_DUNGEON;
    state_word = STATE_PLAYING;
}

// The floor object is filled anew; what it holds meanwhile is not to be trusted, and floor_is_running says so.
static void floor_build(void)
{
    dungeon->floor_seed = random_floor_begin();
    dungeon->on_stairs = dungeon->floor_left = dungeon->outcome = 0;
    dungeon->clock = dungeon->spawn_clock = 0;
    dungeon->density = 1;
    dungeon->turns_left = TURNS_A_FLOOR;
    dungeon->wind_phase = 0;
    dungeon->monster_house_room = ROOM_NONE;
    dungeon->shop[0] = dungeon->shop[1] = 9999;
    dungeon->shop[2] = dungeon->shop[3] = -9999;
    dungeon->sight = dungeon->floor >= DARK_FIRST_FLOOR ? 1 : 2;
    dungeon->all_revealed = dungeon->stairs_shown = dungeon->in_floor_map = 0;
    dungeon->tileset = (dungeon->floor - 1) / FLOORS_A_PALETTE;
    dungeon->floor_properties[2] = dungeon->tileset;
    dungeon->floor_properties[0x16] = dungeon->sight;
    leader_cache = NULL;
    map_dot = (struct tile_position){100, 100};
    map_reset();
    entities_reset();
    floor_dig();
    team_place(0, dungeon->start);
    if (dungeon->team[1].species) {
        struct tile_position place = free_tile_near(dungeon->start, 1);
        dungeon->team[1].hp = dungeon->team[1].hp ? dungeon->team[1].hp : 1;
        team_place(1, place);
    }
    dungeon->team[0].sleep = SLEEP_NONE;
    dungeon->spawn_count = 0;
    for (int species = SPECIES_RAT; species < SPECIES_END; species++)
        if (dungeon->floor >= species_table[species].first_floor && dungeon->floor <= species_table[species].last_floor)
            dungeon->spawns[dungeon->spawn_count++].species_and_level = species | dungeon->floor << 9;
    floor_stock();
    map_reveal(dungeon->start);
}

static void floor_enter(void)
{
    char text[24];
    scene_set(NULL, NULL);
    sprites_clear();
    canvas_clear();
    window_layout = LAYOUT_BANNER;
    text_format(text, sizeof text, "The Burrow  B%dF", dungeon->floor);
    canvas_text_centered(74, COLOR_YELLOW, text);
    u32 shown_at = frames_since_boot;
    frame_wait();
    floor_build();
    video_load_terrain(dungeon->tileset);
    do
        frame_wait();
    while (frames_since_boot - shown_at < BANNER_FRAMES);
    canvas_clear();
    window_layout = LAYOUT_NOTHING;
    render_reset();
    scene_set(render_floor, render_overlay);
    animate_fade(FADE_BLACK, 0, FADE_FRAMES);
    window_layout = LAYOUT_FREE;
    floor_is_running = 1;
}

static void floor_exit(void)
{
    message_hide();
    floor_is_running = 0;
    window_layout = LAYOUT_NOTHING;
    animate_fade(0, FADE_BLACK, FADE_FRAMES);
}

static void fill_exit_summary(void)
{
    const struct monster *monster = &dungeon->team[0];
    dungeon->exit_summary.reason = end == RUN_CLEARED ? REASON_CLEARED : end == RUN_FAINTED ? REASON_FAINTED
                                                                                            : REASON_BLOWN_OUT;
    dungeon->exit_summary.dungeon_id = dungeon->id;
    dungeon->exit_summary.floor = dungeon->floor;
    dungeon->exit_summary.experience = monster->experience;
    dungeon->exit_summary.hp_max = monster->hp_max;
    dungeon->exit_summary.level = monster->level;
}

static void say_farewell(void)
{
    if (end == RUN_FAINTED) {
        runs_lost++;
        dialogue_say("Moss", "My paws give way...\nEverything goes dark.");
    } else if (end == RUN_BLOWN_OUT) {
        dialogue_say("Moss", "The wind is too strong!\nUp and out we go...");
    }
}

enum run_end run_play(void)
{
    run_begin();
    boolean greeted = 0;
    for (;;) {
        record_update(dungeon->floor);
        floor_enter();
        if (!greeted)
            dialogue_say("Moss", "The old burrow goes down\ntwenty floors. Let us dig in!");
        greeted = 1;
        floor_loop();
        if (dungeon->outcome == FLOOR_NEXT && dungeon->floor == FLOOR_COUNT)
            run_end_with(RUN_CLEARED);
        if (dungeon->outcome == FLOOR_RUN_ENDS)
            say_farewell();
        floor_exit();
        if (dungeon->outcome == FLOOR_RUN_ENDS)
            break;
        dungeon->floor++;
    }
    if (end == RUN_CLEARED)
        record_update(FLOOR_COUNT + 1);
    fill_exit_summary();
    return end;
}

void run_leave(void)
{
    leader_cache = NULL;
    dungeon = NULL;
    floor_is_running = 0;
    game_mode = MODE_TITLE;
}
