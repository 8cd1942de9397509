#include "turn.h"
#include "dialogue.h"
#include "entity.h"
#include "fight.h"
#include "floor.h"
#include "items.h"
#include "leader.h"
#include "message.h"
#include "mind.h"
#include "minimap.h"
#include "random.h"
#include "render.h"
#include "run.h"
#include "sound.h"
#include "species.h"
#include "video.h"

enum { SPAWN_TURNS = 36, REGENERATION_DIVIDER = 150, POISON_TURNS = 10, POISON_DAMAGE = 3, CLOCK_TICKS = 24,
       TICKS_A_TURN = 4, BELLY_STEP = 100, SLUMBER_TURNS = 5 };

static int regeneration;

static void pick_up(struct entity *entity, struct entity *found)
{
    struct item item = *(struct item *)found->info;
    char label[32];
    sound_play(SOUND_PICK_UP);
    if (item.id == ITEM_COINS) {
        int amount = coins_amount(item.quantity);
        money = money + amount > MONEY_MAX ? MONEY_MAX : money + amount;
        item_remove(found);
        message("%s found %d coins.", name_of(entity), amount);
        return;
    }
    item_label(label, sizeof label, item);
    if (!bag_add(item)) {
        message("The bag is full: %s stays.", label);
        return;
    }
    item_remove(found);
    message("%s picked up: %s.", name_of(entity), label);
}

static void trigger_trap(struct entity *entity, struct entity *found)
{
    found->is_visible = 1;
    sound_play(SOUND_TRAP);
    dungeon->trap_position = found->position;
    monster_of(entity)->action = ACTION_STEPPED_ON_TRAP;
    frames_wait(4);
    switch (((struct trap *)found->info)->kind) {
    case TRAP_SPIKE:
        hurt(entity, 4 + dungeon->floor / 2, NULL, "Spikes! %s takes %d damage.");
        break;
    case TRAP_SLUMBER:
        message("A drowsy smoke rises.");
        put_to_sleep(entity, SLUMBER_TURNS);
        break;
    case TRAP_POISON:
        message("A rusty thorn!");
        poison(entity);
        break;
    case TRAP_WARP:
        message("A gust whirls %s away!", name_of(entity));
        warp_away(entity);
        break;
    case TRAP_PITFALL:
        message("The floor gives way!");
        frames_wait(10);
        dungeon->floor_left = 2;
        dungeon->outcome = FLOOR_NEXT;
        break;
    }
}

// What the leader's new tile holds.
static void land(struct entity *entity)
{
    map_reveal(entity->position);
    struct entity *found = item_at(entity->position);
    if (found)
        pick_up(entity, found);
    found = trap_at(entity->position);
    if (found)
        trigger_trap(entity, found);
    else if (tile_at(entity->position.x, entity->position.y)->terrain & TERRAIN_STAIRS)
        dungeon->on_stairs = 1;
}

static void hunger(struct entity *entity)
{
    struct monster *monster = monster_of(entity);
    int before = monster->belly;
    if (monster->belly_thousandths >= BELLY_STEP) {
        monster->belly_thousandths -= BELLY_STEP;
    } else if (monster->belly > 0) {
        monster->belly--;
        monster->belly_thousandths += 1000 - BELLY_STEP;
    }
    if (monster->belly == before)
        return;
    if (monster->belly == 19)
        message("%s is getting hungry.", name_of(entity));
    else if (monster->belly == 9)
        message("%s is starving!", name_of(entity));
}

static void toll(struct entity *entity)
{
    struct monster *monster = monster_of(entity);
    hunger(entity);
    monster->belly_empty = monster->belly == 0 && monster->belly_thousandths == 0;
    if (monster->belly_empty) {
        hurt(entity, 1, NULL, NULL);
    } else if (monster->burn != BURN_POISONED) {
        regeneration += monster->hp_max;
        while (regeneration >= REGENERATION_DIVIDER) {
            regeneration -= REGENERATION_DIVIDER;
            heal(entity, 1);
        }
    }
    struct entity *friend = ally();
    if (friend && run_turns % 6 == 0)
        heal(friend, 1);
}

static void poison_toll(void)
{
    struct entity *hit[ACTIVE_MAX];
    int count = 0;
    for (int index = 0; index < ACTIVE_MAX && dungeon->active[index]; index++)
        hit[count++] = dungeon->active[index];
    for (int index = 0; index < count; index++) {
        struct monster *monster = monster_of(hit[index]);
        if (!is_monster(hit[index]) || monster->burn != BURN_POISONED)
            continue;
        if (--monster->burn_turns == 0) {
            monster->burn = BURN_NONE;
        } else if (--monster->burn_countdown == 0) {
            monster->burn_countdown = POISON_TURNS;
            hurt(hit[index], POISON_DAMAGE, NULL, "Poison: %s takes %d damage.");
        }
    }
}

static void wind(void)
{
    int left = --dungeon->turns_left;
    if (left == 250 || left == 150)
        message("A wind stirs in the tunnels...");
    else if (left == 50)
        message("The wind is howling!");
    dungeon->wind_phase = left < 50 ? 3 : left < 150 ? 2 : left < 250 ? 1 : 0;
    if (left == 0) {
        message("The wind blows everybody out!");
        run_end_with(RUN_BLOWN_OUT);
    }
}

static void pass_time(void)
{
    dungeon->clock = (dungeon->clock + TICKS_A_TURN) % CLOCK_TICKS;
    if (++dungeon->spawn_clock >= SPAWN_TURNS) {
        dungeon->spawn_clock = 0;
        wild_spawn_unseen();
    }
}

static void meet_stray(void)
{
    for (int slot = 0; slot < WILD_MAX; slot++) {
        struct entity *entity = &dungeon->wild_entities[slot];
        if (is_monster(entity) && monster_of(entity)->behaviour == BEHAVIOUR_STRAY && !monster_of(entity)->attacking &&
            tile_distance(entity->position, leader_position) == 1) {
            monster_of(entity)->attacking = 1; // asks by itself once only
            leader_talk(entity);
        }
    }
}

static void rest_of_turn(boolean leader_moved)
{
    struct entity *entity = leader();
    dungeon->acting = NULL;
    run_turns++;
    ally_move();
    wild_move_all();
    animate_steps();
    minimap_changed();
    if (leader_moved)
        land(entity);
    if (dungeon->outcome == FLOOR_RUNNING)
        strikes_resolve();
    if (dungeon->outcome == FLOOR_RUNNING)
        toll(entity);
    if (dungeon->outcome == FLOOR_RUNNING)
        poison_toll();
    if (dungeon->outcome == FLOOR_RUNNING)
        wind();
    if (dungeon->outcome != FLOOR_RUNNING)
        return;
    pass_time();
    team_records_update();
    meet_stray();
}

static void sleep_through(struct entity *entity)
{
    struct monster *monster = monster_of(entity);
    monster->action = ACTION_NOTHING;
    frames_wait(6);
    if (--monster->sleep_turns == 0) {
        monster->sleep = SLEEP_NONE;
        message("%s woke up.", name_of(entity));
    }
}

void floor_loop(void)
{
    regeneration = 0;
    while (dungeon->outcome == FLOOR_RUNNING) {
        struct entity *entity = leader();
        struct tile_position before = entity->position;
        dungeon->acting = entity;
        if (monster_of(entity)->sleep == SLEEP_ASLEEP)
            sleep_through(entity);
        else
            leader_command();
        if (dungeon->outcome != FLOOR_RUNNING)
            break;
        rest_of_turn(entity->position.x != before.x || entity->position.y != before.y);
    }
}
