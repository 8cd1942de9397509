#include "mind.h"
#include "fight.h"
#include "items.h"
#include "message.h"
#include "random.h"
#include "render.h"
#include "species.h"

enum { THROW_RANGE = 6, THROW_CHANCE = 60, FLUTTER_CHANCE = 35, WAKE_CHANCE = 22, WAKE_RANGE = 2, NATURAL_SLEEP = 127,
       ALLY_LEASH = 5, ALLY_FOLLOWS_AT = 2 };
enum intention { INTENTION_NONE, INTENTION_STRIKE, INTENTION_THROW };

static u8 intentions[ACTIVE_MAX]; // by slot: the team's, then the wild ones'

static u8 *intention_of(const struct entity *entity)
{
    return &intentions[monster_of(entity)->is_wild ? TEAM_MAX + entity->slot : entity->slot];
}

static enum movement movement_of(const struct entity *entity)
{
    return species_table[monster_of(entity)->species].movement;
}

static boolean can_walk(const struct entity *entity, int direction)
{
    return step_allowed(entity->position.x, entity->position.y, direction, movement_of(entity)) &&
           !monster_at(position_ahead(entity, direction));
}

static void walk(struct entity *entity, int direction)
{
    monster_face(entity, direction);
    monster_of(entity)->action = ACTION_WALK;
    monster_move(entity, position_ahead(entity, direction));
}

// A step that brings the walker nearer, straight or a little aside; false if there is none.
static boolean walk_toward(struct entity *entity, struct tile_position goal)
{
    static const s8 turns[] = {0, 1, -1, 2, -2};
    int straight = direction_between(entity->position, goal);
    if (straight == DIRECTION_NONE)
        return 0;
    int distance = tile_distance(entity->position, goal), best = DIRECTION_NONE, best_score = 1 << 20;
    for (int index = 0; index < COUNT_OF(turns); index++) {
        int direction = (straight + turns[index]) & 7;
        if (!can_walk(entity, direction))
            continue;
        struct tile_position next = position_ahead(entity, direction);
        int dx = next.x - goal.x, dy = next.y - goal.y, score = dx * dx + dy * dy;
        if (tile_distance(next, goal) <= distance && score < best_score) {
            best = direction;
            best_score = score;
        }
    }
    if (best == DIRECTION_NONE)
        return 0;
    walk(entity, best);
    return 1;
}

static struct entity *nearest_foe(const struct entity *entity)
{
    struct entity *nearest = NULL;
    for (int index = 0; index < ACTIVE_MAX && dungeon->active[index]; index++) {
        struct entity *other = dungeon->active[index];
        if (other == entity || !are_foes(entity, other) || !in_sight(entity->position, other->position))
            continue;
        if (!nearest || tile_distance(entity->position, other->position) < tile_distance(entity->position, nearest->position))
            nearest = other;
    }
    return nearest;
}

// Eight directions only: the direction if the foe stands in a straight free line, else none.
static int line_of_fire(const struct entity *entity, const struct entity *foe)
{
    int dx = foe->position.x - entity->position.x, dy = foe->position.y - entity->position.y;
    if ((dx && dy && dx != dy && dx != -dy) || tile_distance(entity->position, foe->position) > THROW_RANGE)
        return DIRECTION_NONE;
    int direction = direction_between(entity->position, foe->position);
    struct tile_position place = entity->position;
    while (step_allowed(place.x, place.y, direction, MOVES_IN_AIR)) {
        place.x += direction_x[direction];
        place.y += direction_y[direction];
        if (place.x == foe->position.x && place.y == foe->position.y)
            return direction;
        if (monster_at(place))
            return DIRECTION_NONE;
    }
    return DIRECTION_NONE;
}

static boolean adjacent_and_open(const struct entity *entity, const struct entity *foe)
{
    return tile_distance(entity->position, foe->position) == 1 &&
           can_strike(entity, direction_between(entity->position, foe->position));
}

static boolean same_place(struct tile_position a, struct tile_position b)
{
    return a.x == b.x && a.y == b.y;
}

// In a corridor: onward, not back; in a room: to one of its exits, and out.
static void roam(struct entity *entity)
{
    struct monster *monster = monster_of(entity);
    int room = entity->room;
    if (room != ROOM_NONE && dungeon->exit_counts[room] > 0) {
        if (monster->walk_target.x <= 0 || tile_at(monster->walk_target.x, monster->walk_target.y)->room != room)
            monster->walk_target = dungeon->exits[room][random_below(dungeon->exit_counts[room])];
        if (!same_place(entity->position, monster->walk_target)) {
            if (!walk_toward(entity, monster->walk_target) || random_percent(4))
                monster->walk_target.x = 0;
            return;
        }
        monster->walk_target.x = 0;
        for (int direction = 0; direction < DIRECTION_COUNT; direction += 2) {
            struct tile_position next = position_ahead(entity, direction);
            if (tile_at(next.x, next.y)->room == ROOM_NONE && can_walk(entity, direction)) {
                walk(entity, direction);
                return;
            }
        }
        return;
    }
    int choice = DIRECTION_NONE, count = 0;
    for (int direction = 0; direction < DIRECTION_COUNT; direction++) {
        struct tile_position next = position_ahead(entity, direction);
        if (can_walk(entity, direction) && !same_place(next, monster->trail[1]) && random_below(++count) == 0)
            choice = direction;
    }
    if (choice == DIRECTION_NONE && monster->trail[1].x >= 0 && !same_place(monster->trail[1], entity->position))
        walk_toward(entity, monster->trail[1]);
    else if (choice != DIRECTION_NONE)
        walk(entity, choice);
}

static boolean stays_asleep(struct entity *entity)
{
    struct monster *monster = monster_of(entity);
    if (monster->sleep != SLEEP_ASLEEP)
        return 0;
    boolean natural = monster->sleep_turns == NATURAL_SLEEP;
    if (natural ? tile_distance(entity->position, leader_position) <= WAKE_RANGE && random_percent(WAKE_CHANCE)
                : --monster->sleep_turns == 0) {
        monster->sleep = SLEEP_NONE;
        monster->sleep_turns = 0;
        if (in_sight(leader_position, entity->position))
            message("%s woke up.", name_of(entity));
    }
    return 1;
}

static void chase(struct entity *entity, struct entity *foe)
{
    struct monster *monster = monster_of(entity);
    int temper = species_table[monster->species].temper;
    monster->objective = OBJECTIVE_CHASE;
    monster->target = foe;
    monster->target_position = foe->position;
    monster->walk_target.x = 0;
    if (temper == TEMPER_FLUTTER && random_percent(FLUTTER_CHANCE)) {
        int direction = random_below(DIRECTION_COUNT);
        if (can_walk(entity, direction))
            walk(entity, direction);
        return;
    }
    if (adjacent_and_open(entity, foe))
        *intention_of(entity) = INTENTION_STRIKE;
    else if (temper == TEMPER_THROWER && line_of_fire(entity, foe) >= 0 && random_percent(THROW_CHANCE))
        *intention_of(entity) = INTENTION_THROW;
    else
        walk_toward(entity, foe->position);
}

static void wild_move(struct entity *entity)
{
    struct monster *monster = monster_of(entity);
    struct entity *foe = monster->blinded ? NULL : nearest_foe(entity);
    if (foe) {
        chase(entity, foe);
        return;
    }
    monster->target = NULL;
    if (monster->target_position.x >= 0 && !same_place(entity->position, monster->target_position) &&
        walk_toward(entity, monster->target_position)) {
        monster->objective = OBJECTIVE_REMEMBER;
        return;
    }
    monster->target_position.x = -1;
    monster->objective = OBJECTIVE_ROAM;
    roam(entity);
}

void wild_move_all(void)
{
    for (int slot = 0; slot < WILD_MAX; slot++) {
        struct entity *entity = &dungeon->wild_entities[slot];
        if (!is_monster(entity) || monster_of(entity)->behaviour == BEHAVIOUR_STRAY || stays_asleep(entity))
            continue;
        struct monster *monster = monster_of(entity);
        if (monster->blinded && --monster->blinded_turns == 0)
            monster->blinded = 0;
        int actions = monster->speed;
        if (monster->speed == SPEED_SLOW)
            actions = (run_turns + slot) & 1;
        while (actions-- > 0 && *intention_of(entity) == INTENTION_NONE)
            wild_move(entity);
    }
}

void ally_move(void)
{
    struct entity *entity = ally();
    for (int index = 0; index < COUNT_OF(intentions); index++)
        intentions[index] = INTENTION_NONE;
    if (!entity || stays_asleep(entity))
        return;
    struct entity *foe = nearest_foe(entity);
    if (foe && adjacent_and_open(entity, foe)) {
        intentions[entity->slot] = INTENTION_STRIKE;
        return;
    }
    if (foe && tile_distance(foe->position, leader_position) <= ALLY_LEASH && walk_toward(entity, foe->position))
        return;
    if (tile_distance(entity->position, leader_position) >= ALLY_FOLLOWS_AT &&
        !walk_toward(entity, leader_position))
        walk_toward(entity, monster_of(leader())->trail[1]);
}

static void ally_strikes(void)
{
    struct entity *entity = ally();
    if (!entity || monster_of(entity)->sleep == SLEEP_ASLEEP)
        return;
    struct entity *foe = nearest_foe(entity);
    if (foe && adjacent_and_open(entity, foe))
        strike(entity, direction_between(entity->position, foe->position));
}

void strikes_resolve(void)
{
    if (ally() && intentions[1] == INTENTION_STRIKE)
        ally_strikes();
    for (int slot = 0; slot < WILD_MAX && dungeon->outcome == FLOOR_RUNNING; slot++) {
        struct entity *entity = &dungeon->wild_entities[slot];
        if (!is_monster(entity) || *intention_of(entity) == INTENTION_NONE)
            continue;
        struct entity *foe = monster_of(entity)->target;
        if (!is_monster(foe) || monster_of(entity)->sleep == SLEEP_ASLEEP)
            continue;
        if (adjacent_and_open(entity, foe))
            strike(entity, direction_between(entity->position, foe->position));
        else if (*intention_of(entity) == INTENTION_THROW && line_of_fire(entity, foe) >= 0)
            throw_pebble(entity, line_of_fire(entity, foe));
    }
}
