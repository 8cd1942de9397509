#include "leader.h"
#include "dialogue.h"
#include "fight.h"
#include "input.h"
#include "items.h"
#include "map_screen.h"
#include "menu.h"
#include "message.h"
#include "run.h"
#include "use.h"
#include "video.h"

enum { WAITING_FRAMES_MAX = 100, ROTATE_IDLE_FRAMES = 120 };

void waiting_begin(void)
{
    dungeon->is_waiting = 1;
    dungeon->frames_waiting = 1;
}

void waiting_end(void)
{
    dungeon->is_waiting = 0;
    dungeon->frames_waiting = 0;
}

static int direction_of_keys(u16 keys)
{
    int x = (keys & KEY_RIGHT ? 1 : 0) - (keys & KEY_LEFT ? 1 : 0);
    int y = (keys & KEY_DOWN ? 1 : 0) - (keys & KEY_UP ? 1 : 0);
    for (int direction = 0; direction < DIRECTION_COUNT; direction++)
        if ((x || y) && direction_x[direction] == x && direction_y[direction] == y)
            return direction;
    return DIRECTION_NONE;
}

void leader_talk(struct entity *other)
{
    const char *name = name_of(other);
    monster_face(other, (monster_of(leader())->direction + 4) & 7);
    if (monster_of(other)->behaviour != BEHAVIOUR_STRAY) {
        static const char *const lines[] = {"I smell turnips somewhere\nbelow us.", "Stay close. Moths hate\nnarrow tunnels.",
                                            "Beetles are slow: hit,\nstep back, hit again.", "Are we there yet?"};
        dialogue_say(name, lines[(dungeon->floor + run_turns / 64) & 3]);
        return;
    }
    if (dialogue_ask(name, "I lost my way in the dark...\nMay I come with you?"))
        stray_joins(other);
    else
        dialogue_say(name, "I will wait here, then.");
}

static struct entity *nearest_turn(struct entity *entity)
{
    for (int turn = 1; turn <= DIRECTION_COUNT; turn++) {
        int direction = (monster_of(entity)->direction + turn) & 7;
        struct entity *other = monster_at(position_ahead(entity, direction));
        if (is_monster(other) && are_foes(entity, other)) {
            monster_face(entity, direction);
            return other;
        }
    }
    return NULL;
}

// Turning on the spot: START looks at the next foe, the pad looks anywhere, B or A ends it, and so do two seconds
// without a key. The pad does not step meanwhile, so the game does not wait for a command.
static void rotate(struct entity *entity)
{
    in_rotate_mode = dungeon->rotate_grid = 1;
    int idle_frames = 0;
    nearest_turn(entity);
    dungeon->frames_waiting = 0;
    do {
        dungeon->rotate_direction = monster_of(entity)->direction;
        frame_wait();
        int direction = direction_of_keys(inputs.held);
        if (direction != DIRECTION_NONE && (!key_held(KEY_R) || direction & 1))
            monster_face(entity, direction);
        if (key_pressed(KEY_START))
            nearest_turn(entity);
        idle_frames = inputs.held ? 0 : idle_frames + 1;
    } while (!key_pressed(KEY_B | KEY_A) && idle_frames < ROTATE_IDLE_FRAMES);
    in_rotate_mode = dungeon->rotate_grid = 0;
}

static boolean walk(struct entity *entity, int direction)
{
    struct tile_position next = position_ahead(entity, direction);
    struct entity *other = monster_at(next);
    monster_face(entity, direction);
    if (!step_allowed(entity->position.x, entity->position.y, direction, MOVES_ON_GROUND))
        return 0;
    if (!is_monster(other)) {
        monster_of(entity)->action = ACTION_WALK;
        monster_move(entity, next);
    } else if (!monster_of(other)->is_wild) {
        monster_of(entity)->action = ACTION_WALK;
        monsters_swap(entity, other);
    } else {
        return 0;
    }
    map_reveal(next);
    return 1;
}

static boolean attack_or_talk(struct entity *entity)
{
    int direction = monster_of(entity)->direction;
    struct entity *other = monster_at(position_ahead(entity, direction));
    if (is_monster(other) && !are_foes(entity, other) && can_strike(entity, direction)) {
        leader_talk(other);
        return 0;
    }
    waiting_end();
    strike(entity, direction);
    return 1;
}

static boolean throw_set_item(struct entity *entity)
{
    for (int slot = 0; slot < bag_count(); slot++)
        if (bag[slot].flags & ITEM_SET)
            return use_throw(entity, slot);
    message("No item is set to throw.");
    return 0;
}

// One frame's keys; true if they used the turn.
static boolean command(struct entity *entity)
{
    u16 held = inputs.held;
    int direction = direction_of_keys(held);
    in_diagonal_mode = key_held(KEY_R) != 0;
    if (key_held(KEY_A | KEY_B)) {
        monster_of(entity)->action = ACTION_PASS;
        return 1;
    }
    if (key_held(KEY_L | KEY_R) && key_pressed(KEY_L | KEY_R))
        return throw_set_item(entity);
    if (key_pressed(KEY_A))
        return attack_or_talk(entity);
    if (key_pressed(KEY_START)) {
        rotate(entity);
        return 0;
    }
    if (key_pressed(KEY_SELECT)) {
        map_screen();
        return 0;
    }
    if (key_held(KEY_L) && key_pressed(KEY_B)) {
        menu_log();
        return 0;
    }
    if (key_short_press(KEY_B))
        return menu_main(entity);
    if (direction != DIRECTION_NONE && !(key_held(KEY_R) && !(direction & 1)))
        return walk(entity, direction);
    return 0;
}

void leader_command(void)
{
    struct entity *entity = leader();
    boolean done = 0;
    waiting_begin();
    if (dungeon->on_stairs) {
        done = menu_stairs();
        dungeon->on_stairs = 0;
        dungeon->frames_waiting = 1;
    }
    while (!done && dungeon->outcome == FLOOR_RUNNING) {
        frame_wait();
        done = command(entity);
        if (!done && dungeon->frames_waiting < WAITING_FRAMES_MAX)
            dungeon->frames_waiting++;
    }
    waiting_end();
}
