#include "fight.h"
#include "floor.h"
#include "items.h"
#include "message.h"
#include "random.h"
#include "render.h"
#include "run.h"
#include "sound.h"
#include "species.h"
#include "video.h"

enum { HIT_CHANCE = 92, CRITICAL_CHANCE = 6, BITE_POISON_CHANCE = 18, FLIGHT_TILES = 10, BLINK_FRAMES = 10,
       COIN_DROP_CHANCE = 15, POISON_TURNS = 60, POISON_EVERY_TURNS = 10, LEVEL_MAX = 99, WARP_ATTEMPTS = 20,
       WARP_DISTANCE_MIN = 4 };

const char *name_of(const struct entity *entity)
{
    const struct monster *monster = monster_of(entity);
    return monster->is_wild ? species_name(monster->species) : team_records[monster->team_index].name;
}

boolean are_foes(const struct entity *one, const struct entity *other)
{
    const struct monster *first = monster_of(one), *second = monster_of(other);
    return first->is_wild != second->is_wild && first->behaviour != BEHAVIOUR_STRAY &&
           second->behaviour != BEHAVIOUR_STRAY;
}

boolean can_strike(const struct entity *entity, int direction)
{
    return step_allowed(entity->position.x, entity->position.y, direction, MOVES_IN_AIR);
}

static boolean level_up(struct entity *entity)
{
    struct monster *monster = monster_of(entity);
    if (monster->level >= LEVEL_MAX || (int)monster->experience < experience_for_level(monster->level + 1))
        return 0;
    int hp = monster->hp, hp_max = monster->hp_max;
    monster_set_level(monster, monster->level + 1);
    monster->hp_max = hp_max + species_table[monster->species].hp_growth / 4 + (monster->level & 1);
    monster->hp = hp + monster->hp_max - hp_max;
    sound_play(SOUND_LEVEL_UP);
    message("%s grew to level %d!", name_of(entity), monster->level);
    return 1;
}

static void give_experience(int amount)
{
    for (int slot = 0; slot < TEAM_MAX; slot++) {
        struct entity *entity = &dungeon->team_entities[slot];
        if (!is_monster(entity))
            continue;
        monster_of(entity)->experience += amount;
        while (level_up(entity))
            ;
    }
}

static void leader_falls(struct entity *entity)
{
    struct monster *monster = monster_of(entity);
    int slot = bag_find(ITEM_PHOENIX_SEED);
    if (slot < 0) {
        run_end_with(RUN_FAINTED);
        return;
    }
    bag_take_one(slot);
    monster->hp = monster->hp_max;
    monster->burn = BURN_NONE;
    monster->belly = monster->belly < 50 ? 50 : monster->belly;
    message("The Phoenix Seed glows. %s wakes!", name_of(entity));
    effect_star(entity);
}

static void falls(struct entity *entity, struct entity *by)
{
    struct monster *monster = monster_of(entity);
    if (entity == leader()) {
        leader_falls(entity);
        return;
    }
    message("%s %s.", name_of(entity), monster->is_wild ? "was beaten" : "fainted and ran home");
    sound_play(SOUND_FALL);
    struct tile_position place = entity->position;
    int experience = experience_for_defeat(monster);
    boolean wild = monster->is_wild;
    monster_remove(entity);
    if (!wild) {
        monster->species = monster->species_shown = 0;
        team_records[1].flags = 0;
        return;
    }
    if (by && !monster_of(by)->is_wild)
        give_experience(experience);
    struct tile_position spot = free_tile_near(place, 0);
    if (random_percent(COIN_DROP_CHANCE) && spot.x >= 0)
        item_place((struct item){.id = ITEM_COINS, .quantity = random_between(1, 6) + dungeon->floor}, spot);
}

void hurt(struct entity *target, int amount, struct entity *by, const char *cause)
{
    struct monster *monster = monster_of(target);
    monster->hp = amount >= monster->hp ? 0 : monster->hp - amount;
    effect_number(target, amount);
    target->blink = BLINK_FRAMES;
    sound_play(monster->is_wild ? SOUND_HIT : SOUND_HURT);
    if (cause)
        message(cause, name_of(target), amount);
    if (monster->sleep == SLEEP_ASLEEP && by) {
        monster->sleep = SLEEP_NONE;
        monster->sleep_turns = 0;
    }
    if (monster->hp == 0)
        falls(target, by);
}

void heal(struct entity *target, int amount)
{
    struct monster *monster = monster_of(target);
    monster->hp = monster->hp + amount > monster->hp_max ? monster->hp_max : monster->hp + amount;
}

void put_to_sleep(struct entity *target, int turns)
{
    struct monster *monster = monster_of(target);
    monster->sleep = SLEEP_ASLEEP;
    monster->sleep_turns = turns;
    message("%s fell asleep.", name_of(target));
}

void poison(struct entity *target)
{
    struct monster *monster = monster_of(target);
    if (monster->burn == BURN_POISONED)
        return;
    monster->burn = BURN_POISONED;
    monster->burn_turns = POISON_TURNS;
    monster->burn_countdown = POISON_EVERY_TURNS;
    message("%s is poisoned!", name_of(target));
}

void warp_away(struct entity *entity)
{
    for (int attempt = 0; attempt < WARP_ATTEMPTS; attempt++) {
        struct tile_position place = room_tile_random(room_random());
        if (place.x < 0 || tile_distance(place, entity->position) < WARP_DISTANCE_MIN)
            continue;
        monster_move(entity, place);
        entity->pixel = entity->previous_pixel = pixel_of_tile(place);
        if (entity == leader())
            map_reveal(place);
        return;
    }
}

static int damage(const struct monster *attacker, const struct monster *target, int percent)
{
    int raw = (2 * attacker->attack[0] - target->defence[0]) * percent / 200;
    raw = raw * random_between(88, 112) / 100;
    return raw < 1 ? 1 : raw;
}

static void blow(struct entity *attacker, struct entity *target)
{
    struct monster *monster = monster_of(attacker), *other = monster_of(target);
    if (!random_percent(HIT_CHANCE) && other->sleep != SLEEP_ASLEEP) {
        sound_play(SOUND_MISS);
        message("%s missed %s.", name_of(attacker), name_of(target));
        return;
    }
    boolean critical = random_percent(CRITICAL_CHANCE);
    int amount = damage(monster, other, critical ? 150 : 100);
    boolean bites = monster->is_wild && species_table[monster->species].temper == TEMPER_BITER &&
                    random_percent(BITE_POISON_CHANCE);
    effect_star(target);
    message(critical ? "%s hits %s hard! %d damage." : "%s hits %s. %d damage.", name_of(attacker), name_of(target),
            amount);
    hurt(target, amount, attacker, NULL);
    if (bites && is_monster(target) && other->hp > 0)
        poison(target);
}

void strike(struct entity *attacker, int direction)
{
    monster_face(attacker, direction);
    monster_of(attacker)->action = ACTION_ATTACK;
    animate_lunge(attacker, direction);
    struct entity *target = monster_at(position_ahead(attacker, direction));
    if (is_monster(target) && can_strike(attacker, direction) && are_foes(attacker, target))
        blow(attacker, target);
    if (is_monster(attacker))
        animate_recoil(attacker);
}

struct entity *fly(struct entity *thrower, int direction, int item_id, struct tile_position *landing)
{
    struct tile_position place = thrower->position;
    struct entity *target = NULL;
    int steps = 0;
    monster_face(thrower, direction);
    while (steps < FLIGHT_TILES && !target) {
        struct tile_position next = {place.x + direction_x[direction], place.y + direction_y[direction]};
        if (!step_allowed(place.x, place.y, direction, MOVES_IN_AIR))
            break;
        place = next;
        steps++;
        target = monster_at(place);
    }
    struct pixel_position from = pixel_of_tile(thrower->position);
    effect_thrown_item(item_id);
    sound_play(SOUND_THROW);
    for (int frame = 1; frame <= 2 * steps; frame++) {
        effect_pebble((from.x >> 8) + direction_x[direction] * 12 * frame,
                      (from.y >> 8) + direction_y[direction] * 12 * frame);
        frame_wait();
    }
    effect_pebble(-1, 0);
    *landing = place;
    return target;
}

void throw_pebble(struct entity *thrower, int direction)
{
    struct tile_position landing;
    struct monster *monster = monster_of(thrower);
    monster->action = ACTION_THROW_STRAIGHT;
    struct entity *target = fly(thrower, direction, ITEM_PEBBLES, &landing);
    if (!is_monster(target) || monster_of(target)->behaviour == BEHAVIOUR_STRAY ||
        monster_of(target)->is_wild == monster->is_wild)
        return;
    if (!random_percent(HIT_CHANCE - 4)) {
        message("The pebble missed %s.", name_of(target));
        return;
    }
    int amount = damage(monster, monster_of(target), monster->is_wild ? 60 : 70);
    effect_star(target);
    message("A pebble hits %s. %d damage.", name_of(target), amount);
    hurt(target, amount, thrower, NULL);
}
