// The RAM layout that the outside reads: fixed addresses, and the floor object found through a pointer.
//
// Invariant: nothing here moves. The decoder of the project reads these bytes from outside the game, so every
// offset is asserted below. What the game keeps for itself is in ordinary variables elsewhere.
#ifndef BURROW_MEMORY_H
#define BURROW_MEMORY_H

#include "types.h"

enum {
    MAP_WIDTH = 56,
    MAP_HEIGHT = 32,
    TEAM_MAX = 4,
    WILD_MAX = 16,
    ACTIVE_MAX = 20,
    ITEM_MAX = 64,
    TRAP_MAX = 64,
    ROOM_MAX = 32,
    EXIT_MAX = 32,
    BAG_MAX = 20,
    LOG_MAX = 20,
    MONEY_MAX = 99999,
};

struct tile_position {
    s16 x, y;
};

// Pixels of the map, 8 fraction bits.
struct pixel_position {
    s32 x, y;
};

enum item_flag { ITEM_EXISTS = 0x01, ITEM_SET = 0x10 };

struct item {
    u8 flags, quantity, id, padding;
};

enum trap_kind { TRAP_PITFALL = 5, TRAP_WARP = 6, TRAP_SLUMBER = 9, TRAP_POISON = 12, TRAP_SPIKE = 19 };

struct trap {
    u8 kind, affects, padding[2];
};

enum terrain {
    TERRAIN_KIND = 0x3,
    TERRAIN_WALL = 0,
    TERRAIN_FLOOR = 1,
    TERRAIN_WATER = 2,
    TERRAIN_EXIT = 0x0008,
    TERRAIN_BORDER = 0x0010,
    TERRAIN_STAIRS = 0x0200,
};

enum knowledge { KNOWN_REVEALED = 1, KNOWN_VISITED = 2, KNOWN = 3 };
enum { ROOM_NONE = 0xFF };

// Movement classes: index into tile.steps.
enum movement { MOVES_ON_GROUND, MOVES_ON_WATER, MOVES_IN_AIR, MOVES_IN_WALLS, MOVEMENT_COUNT };

struct tile {
    u16 terrain, padding_2;
    u16 knowledge, padding_6;
    u8 graphic, room;
    u8 steps[MOVEMENT_COUNT];
    u8 padding_E[2];
    struct entity *monster;
    struct entity *object;
};

struct room {
    u8 exists, discovered;
    s16 min_x, min_y, end_x, end_y;
    u8 padding_A[2];
    u32 pixel_edges[4];
};

enum entity_kind { ENTITY_NONE, ENTITY_MONSTER, ENTITY_TRAP, ENTITY_ITEM };

struct entity {
    u32 kind;
    struct tile_position position, previous;
    struct pixel_position pixel, previous_pixel;
    s32 height;
    u8 is_visible, padding_21, blink, padding_23;
    u8 slot, room;
    u16 spawn_id;
    u8 padding_28[0x3C];
    const void *picture;
    s16 animation_timer;
    u8 animation, animation_next;
    u8 drawn_direction, padding_6D[3];
    void *info;
};

enum sleep_status { SLEEP_NONE, SLEEP_ASLEEP };
enum burn_status { BURN_NONE, BURN_POISONED = 2 };
enum objective { OBJECTIVE_CHASE = 1, OBJECTIVE_REMEMBER = 2, OBJECTIVE_ROAM = 3, OBJECTIVE_FLEE = 5,
                 OBJECTIVE_STAND = 6 };
enum speed { SPEED_SLOW, SPEED_NORMAL, SPEED_FAST };
enum behaviour { BEHAVIOUR_ORDINARY, BEHAVIOUR_STRAY };

struct monster {
    u16 flags;
    s16 species, species_shown;
    u8 is_wild, is_leader, shopkeeper, level, team_index, padding_B;
    s16 intelligence;
    s16 hp, hp_max, hp_original;
    u8 attack[2], defence[2];
    u32 experience;
    s16 attack_stages[2], defence_stages[2], hit_stages[2];
    u8 padding_28[0x18];
    u8 joined_dungeon, joined_floor, padding_42[2];
    u16 action;
    u8 direction, padding_47[0x15];
    u8 types[2], abilities[2];
    struct item held;
    u8 padding_64[4];
    struct tile_position trail[4];
    u8 objective, padding_79[7];
    struct entity *target;
    u32 padding_84;
    struct tile_position target_position;
    u8 padding_8C[8];
    u8 tactic, padding_95[3];
    u32 sprite_id;
    u8 padding_9C[8];
    u8 behaviour, padding_A5[3];
    u8 sleep, sleep_turns, padding_AA[2];
    u8 burn, burn_turns, burn_countdown, padding_AF;
    u8 padding_B0[0x38];
    u8 blinded, blinded_turns, padding_EA[0x1A];
    s32 speed;
    u8 padding_108[0x10];
    u8 moves[4][8];
    u8 padding_138[4];
    s16 belly, belly_thousandths, belly_max, belly_max_thousandths;
    u8 padding_144[2];
    u8 belly_empty, waiting, attacking, padding_149[0x23];
    struct tile_position walk_target, walk_pixel;
    u8 padding_174[0x80];
    s16 steps_left;
    u8 padding_1F6[6];
    u32 experience_gained;
    u32 status_icons;
    u32 padding_204;
};

struct log_line {
    u8 used, flags[2];
    char text[60];
    u8 padding_3F;
};

struct spawn {
    u16 species_and_level;
    u8 padding[6];
};

enum exit_kind { EXIT_NONE, EXIT_CLEARED = 4 };
enum floor_outcome { FLOOR_RUNNING, FLOOR_RUN_ENDS, FLOOR_NEXT };
enum { REASON_FAINTED = 500, REASON_BLOWN_OUT = 511, REASON_CLEARED = 551 };

struct floor_object {
    u8 padding_0;
    u8 on_stairs, floor_left, save_requested, leave, cutscene_opens, padding_6[9];
    u8 is_waiting, forced_loss, exit_kind;
    s16 frames_waiting, floor_offset, log_next;
    u8 padding_18[0xA0];
    struct entity *acting;
    u8 padding_BC[0x504];
    s32 queued_menu;
    u8 padding_5C4[0x80];
    u8 id, floor, padding_646[0xE];
    u8 outcome, padding_655[3];
    u8 can_recruit, padding_659[2], has_bag, can_change_leader, padding_65D[3];
    s16 clock, spawn_clock, density, turns_left;
    u16 next_spawn_id;
    u8 padding_66A[0xF];
    u8 empty_belly_alert, wind_phase;
    s8 rescues;
    u32 run_seed, floor_seed;
    u8 padding_684[0x18];
    struct monster team[TEAM_MAX];
    struct monster wild[WILD_MAX];
    u8 padding_2F3C[0x500];
    struct spawn spawns[32];
    u8 padding_353C[0x2A8];
    s32 spawn_count;
    u8 padding_37E8[0x1C];
    struct item floor_items[ITEM_MAX];
    s16 item_count;
    u8 padding_3906[2];
    struct trap floor_traps[TRAP_MAX];
    u8 padding_3A08[4];
    u8 monster_house_room, cutscene;
    s16 tileset, music, padding_3A12, fixed_room, padding_3A16;
    struct tile tiles[MAP_HEIGHT][MAP_WIDTH];
    struct tile_position start, stairs;
    u8 padding_E220[0x20];
    s32 shop[4];
    u8 padding_E250[0x14];
    u8 weather[0x18];
    u8 padding_E27C[0x644];
    struct tile *tile_pointers[MAP_HEIGHT][MAP_WIDTH];
    u8 room_count, padding_104C1[3];
    struct room rooms[ROOM_MAX];
    s16 exit_counts[ROOM_MAX];
    struct tile_position exits[ROOM_MAX][EXIT_MAX];
    u8 padding_11884[0x1CE8];
    u8 padding_1356C[8];
    struct tile_position trap_position;
    u8 padding_13578[4];
    struct entity *team_slots[TEAM_MAX];
    struct entity *wild_slots[WILD_MAX];
    struct entity *active[ACTIVE_MAX];
    struct entity *item_slots[ITEM_MAX];
    struct entity *trap_slots[TRAP_MAX];
    struct entity team_entities[TEAM_MAX];
    struct entity wild_entities[WILD_MAX];
    struct entity item_entities[ITEM_MAX];
    struct entity trap_entities[TRAP_MAX];
    u8 padding_17B2C[0x6BC];
    struct tile_position camera, camera_mirror, camera_pixel, camera_pixel_mirror;
    struct entity *camera_target;
    u8 padding_181FC[0xD];
    u8 sight, is_blinded, all_revealed, is_bright, all_enemies_shown, all_items_shown, hidden_shown, hallucinating,
        stairs_shown, padding_18212[2], in_floor_map, padding_18215[5], rotate_grid, rotate_direction,
        padding_1821C[10];
    s16 hp_drawn;
    u8 padding_18228[0x3BAC];
    char popup_lines[10][64];
    u8 popup_paragraphs[10], padding_popup[2];
    s16 popup_write, popup_read, popup_frames_left, padding_292;
    u32 padding_294, popup_state;
    struct log_line log[LOG_MAX];
    u8 padding_1C570[4];
    u8 floor_properties[0x1C];
    u8 padding_1C590[0x908];
    struct {
        u8 padding_0[0x14];
        s16 reason, padding_16;
        u8 dungeon_id, floor, padding_1A[2];
        struct item held;
        u32 experience;
        u16 hp_max;
        u8 stats[4], level, padding_2B[5];
    } exit_summary;
    u8 floors_plus_one, padding_1CEC9[0x13];
};

struct team_record {
    u16 flags;
    u8 is_leader, level, joined_dungeon, joined_floor, padding_6[2];
    s16 intelligence, recruited_id, padding_C, species;
    u16 hp, hp_max;
    u8 stats[4];
    u32 experience;
    u8 padding_1C[0x24];
    struct item held;
    s16 belly, belly_thousandths, belly_max, belly_max_thousandths;
    u8 padding_4C[0xC];
    char name[10];
    u8 padding_62[2];
};

struct key_state {
    u16 held, pressed, repeated, short_press, padding_8[4];
};

struct key_timers {
    s16 b, r;
};

struct play_time {
    s16 hours;
    u8 minutes, seconds, frames;
};

struct submenu_entry {
    u16 action;
    u8 padding, selectable;
};

struct choice_entry {
    const char *text;
    s32 action;
};

#define OFFSET(type, field, offset) _Static_assert(__builtin_offsetof(struct type, field) == (offset), #field)
_Static_assert(sizeof(struct tile) == 0x18, "tile");
_Static_assert(sizeof(struct room) == 0x1C, "room");
_Static_assert(sizeof(struct entity) == 0x74, "entity");
_Static_assert(sizeof(struct monster) == 0x208, "monster");
_Static_assert(sizeof(struct log_line) == 0x40, "log line");
_Static_assert(sizeof(struct team_record) == 0x64, "team record");
_Static_assert(sizeof(struct floor_object) == 0x1CEDC, "dungeon");
OFFSET(tile, graphic, 0x8);
OFFSET(tile, monster, 0x10);
OFFSET(entity, pixel, 0xC);
OFFSET(entity, is_visible, 0x20);
OFFSET(entity, slot, 0x24);
OFFSET(entity, spawn_id, 0x26);
OFFSET(entity, picture, 0x64);
OFFSET(entity, drawn_direction, 0x6C);
OFFSET(entity, info, 0x70);
OFFSET(monster, level, 0x9);
OFFSET(monster, hp, 0xE);
OFFSET(monster, attack, 0x14);
OFFSET(monster, experience, 0x18);
OFFSET(monster, attack_stages, 0x1C);
OFFSET(monster, joined_dungeon, 0x40);
OFFSET(monster, action, 0x44);
OFFSET(monster, direction, 0x46);
OFFSET(monster, types, 0x5C);
OFFSET(monster, held, 0x60);
OFFSET(monster, trail, 0x68);
OFFSET(monster, objective, 0x78);
OFFSET(monster, target, 0x80);
OFFSET(monster, target_position, 0x88);
OFFSET(monster, tactic, 0x94);
OFFSET(monster, sprite_id, 0x98);
OFFSET(monster, behaviour, 0xA4);
OFFSET(monster, sleep, 0xA8);
OFFSET(monster, burn, 0xAC);
OFFSET(monster, blinded, 0xE8);
OFFSET(monster, speed, 0x104);
OFFSET(monster, moves, 0x118);
OFFSET(monster, belly, 0x13C);
OFFSET(monster, belly_max, 0x140);
OFFSET(monster, belly_empty, 0x146);
OFFSET(monster, walk_target, 0x16C);
OFFSET(monster, steps_left, 0x1F4);
OFFSET(monster, experience_gained, 0x1FC);
OFFSET(floor_object, is_waiting, 0xF);
OFFSET(floor_object, frames_waiting, 0x12);
OFFSET(floor_object, log_next, 0x16);
OFFSET(floor_object, acting, 0xB8);
OFFSET(floor_object, queued_menu, 0x5C0);
OFFSET(floor_object, id, 0x644);
OFFSET(floor_object, outcome, 0x654);
OFFSET(floor_object, can_recruit, 0x658);
OFFSET(floor_object, has_bag, 0x65B);
OFFSET(floor_object, clock, 0x660);
OFFSET(floor_object, turns_left, 0x666);
OFFSET(floor_object, next_spawn_id, 0x668);
OFFSET(floor_object, empty_belly_alert, 0x679);
OFFSET(floor_object, run_seed, 0x67C);
OFFSET(floor_object, team, 0x69C);
OFFSET(floor_object, wild, 0xEBC);
OFFSET(floor_object, spawns, 0x343C);
OFFSET(floor_object, spawn_count, 0x37E4);
OFFSET(floor_object, floor_items, 0x3804);
OFFSET(floor_object, floor_traps, 0x3908);
OFFSET(floor_object, monster_house_room, 0x3A0C);
OFFSET(floor_object, fixed_room, 0x3A14);
OFFSET(floor_object, tiles, 0x3A18);
OFFSET(floor_object, stairs, 0xE21C);
OFFSET(floor_object, shop, 0xE240);
OFFSET(floor_object, weather, 0xE264);
OFFSET(floor_object, tile_pointers, 0xE8C0);
OFFSET(floor_object, room_count, 0x104C0);
OFFSET(floor_object, rooms, 0x104C4);
OFFSET(floor_object, exit_counts, 0x10844);
OFFSET(floor_object, exits, 0x10884);
OFFSET(floor_object, trap_position, 0x13574);
OFFSET(floor_object, team_slots, 0x1357C);
OFFSET(floor_object, active, 0x135CC);
OFFSET(floor_object, trap_slots, 0x1371C);
OFFSET(floor_object, team_entities, 0x1381C);
OFFSET(floor_object, wild_entities, 0x139EC);
OFFSET(floor_object, item_entities, 0x1412C);
OFFSET(floor_object, trap_entities, 0x15E2C);
OFFSET(floor_object, camera, 0x181E8);
OFFSET(floor_object, camera_pixel, 0x181F0);
OFFSET(floor_object, camera_target, 0x181F8);
OFFSET(floor_object, sight, 0x18209);
OFFSET(floor_object, stairs_shown, 0x18211);
OFFSET(floor_object, in_floor_map, 0x18214);
OFFSET(floor_object, rotate_grid, 0x1821A);
OFFSET(floor_object, hp_drawn, 0x18226);
OFFSET(floor_object, popup_lines, 0x1BDD4);
OFFSET(floor_object, popup_write, 0x1BDD4 + 0x28C);
OFFSET(floor_object, popup_state, 0x1BDD4 + 0x298);
OFFSET(floor_object, log, 0x1C070);
OFFSET(floor_object, floor_properties, 0x1C574);
OFFSET(floor_object, exit_summary.reason, 0x1CE98 + 0x14);
OFFSET(floor_object, exit_summary.level, 0x1CE98 + 0x2A);
OFFSET(floor_object, floors_plus_one, 0x1CEC8);
OFFSET(team_record, hp, 0x10);
OFFSET(team_record, belly, 0x44);
OFFSET(team_record, name, 0x58);

#define FIXED(type, address) (*(type *)(address))
#define FIXED_VOLATILE(type, address) (*(volatile type *)(address))

// Mode and flow.
enum { MODE_TITLE, MODE_DUNGEON };
#define game_mode FIXED(u32, 0x0203B03C)
#define dungeon FIXED(struct floor_object *, 0x0203B418)
#define floor_is_running FIXED(u8, 0x0203B40C)
#define frames_since_boot FIXED_VOLATILE(u32, 0x0203B0B8)
#define dungeon_frames FIXED(s32, 0x0202EDCC)
#define dungeon_brightness FIXED(s32, 0x0202EDC8)
#define title_brightness FIXED(s32, 0x02000A80)
#define title_menu FIXED(s32 *, 0x0203B348)

// Keys.
#define inputs FIXED(struct key_state, 0x020255F0)
#define inputs_polled FIXED(struct key_state, 0x02025648)
#define input_timers FIXED(struct key_timers, 0x02025668)
#define raw_keys FIXED_VOLATILE(u16, 0x0203B0BC)

// Random numbers.
#define system_random FIXED_VOLATILE(u32, 0x0203B07C)
#define dungeon_random FIXED(u32, 0x0203B454)
#define floor_seed_random FIXED(u32, 0x0203B458)

// The floor, outside the floor object.
#define leader_cache FIXED(struct entity *, 0x0203B450)
#define leader_position FIXED(struct tile_position, 0x0202EE0C)
#define map_dot FIXED(struct tile_position, 0x0203B410)
#define outside_tile FIXED(const struct tile *, 0x0203B430)
#define minimap_shown FIXED(u8, 0x0202EE01)
#define in_diagonal_mode FIXED(u8, 0x0202F22C)
#define in_rotate_mode FIXED(u8, 0x0202F22D)

// Windows.
enum layout { LAYOUT_FREE, LAYOUT_NOTHING, LAYOUT_DIALOGUE, LAYOUT_POPUP, LAYOUT_BANNER, LAYOUT_MAIN_MENU = 7,
              LAYOUT_LOG = 9, LAYOUT_LIST = 10, LAYOUT_INITIAL = 999 };
#define window_layout FIXED(s32, 0x0202EDD0)
#define menu_cursor FIXED(s16, 0x0202EE28)
#define menu_entries_on_page FIXED(s16, 0x0202EE2A)
#define menu_entries_per_page FIXED(s16, 0x0202EE2C)
#define menu_page FIXED(s16, 0x0202EE2E)
#define menu_pages FIXED(s16, 0x0202EE30)
enum { SUBMENU_MAX = 10 };
#define submenu ((struct submenu_entry *)0x0202EE44)
#define submenu_count FIXED(s32, 0x0202EE6C)
#define team_menu_choice FIXED(s32, 0x0202F260)

// Dialogue.
enum dialogue_state { DIALOGUE_NONE, DIALOGUE_PRINTING = 2, DIALOGUE_BEFORE_CHOICE = 3, DIALOGUE_CHOICE = 4,
                      DIALOGUE_CHOSEN = 5, DIALOGUE_NEW_PAGE = 8, DIALOGUE_END = 9, DIALOGUE_CLOSING = 11 };
enum { DIALOGUE_MAX = 1000 };
#define dialogue_state FIXED(s32, 0x0202E744)
#define dialogue_flags FIXED(u16, 0x0202E77C)
#define dialogue_next FIXED(char *, 0x0202E794)
#define dialogue_text ((char *)0x0202E798)
#define dialogue_speaker ((char *)0x0202E5D8)
#define dialogue_choices FIXED(const struct choice_entry *, 0x0202EC14)
#define dialogue_cursor FIXED(s16, 0x0202EBEC)

// Team, bag, money.
#define team_records_pointer FIXED(void *, 0x0203B45C)
#define bag_pointer FIXED(void *, 0x0203B460)
#define team_info_pointer FIXED(void *, 0x0203B464)
#define options_pointer FIXED(void *, 0x0203B46C)
#define play_time_pointer FIXED(void *, 0x0203B47C)
#define team_records ((struct team_record *)0x020381F8)
#define bag ((struct item *)0x020389A8)
#define money FIXED(s32, 0x02038C08)
#define team_name ((char *)0x02038C10)
#define options ((u8 *)0x02038C70)
#define time_played FIXED(struct play_time, 0x02038C80)
#define species_table_pointer FIXED(const void *, 0x0202F3E0)
#define item_table_pointer FIXED(const void *, 0x020389A4)

// The test block: never cleared, so that a test can set it before the game starts.
enum state_word { STATE_TITLE, STATE_PLAYING, STATE_GAME_OVER, STATE_COMPLETED };
#define test_seed FIXED_VOLATILE(u32, 0x0203C000)
#define test_dungeon_address FIXED_VOLATILE(u32, 0x0203C004)
#define running_seed FIXED_VOLATILE(u32, 0x0203C008)
#define runs_lost FIXED_VOLATILE(u32, 0x0203C00C)
#define key_frames ((volatile u32 *)0x0203C010)
#define run_turns FIXED_VOLATILE(u32, 0x0203C038)
#define state_word FIXED_VOLATILE(u32, 0x0203C03C)

enum { DUNGEON_ADDRESS = 0x02003AF4, DUNGEON_ADDRESS_MIN = 0x020011D0, DUNGEON_ADDRESS_MAX = 0x020082F4 };

#endif
