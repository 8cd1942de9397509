// Puts items, traps and monsters on a floor that has been dug.
#include "entity.h"
#include "floor.h"
#include "items.h"
#include "random.h"
#include "run.h"
#include "species.h"

enum { TURNIP_EVERY_FLOORS = 3, WILD_LIMIT = 10, SLEEPER_CHANCE = 80, KIND_FLOORS = 8 };

static void stock_item(int id)
{
    struct tile_position place = room_tile_random(room_random());
    if (place.x < 0)
        return;
    struct item item = {.id = id};
    if (id == ITEM_PEBBLES)
        item.quantity = random_between(3, 7);
    else if (id == ITEM_COINS)
        item.quantity = random_between(2, 10) + dungeon->floor;
    if (item_place(item, place))
        dungeon->item_count++;
}

static void stock_traps(void)
{
    static const u8 kinds[] = {TRAP_SPIKE, TRAP_SPIKE, TRAP_SLUMBER, TRAP_PITFALL, TRAP_WARP, TRAP_POISON, TRAP_POISON};
    int count = random_between(1, 2 + dungeon->floor / 3);
    for (int index = 0; index < count; index++) {
        int kind = kinds[random_below(COUNT_OF(kinds))];
        struct tile_position place = room_tile_random(room_random());
        if (kind == TRAP_PITFALL && dungeon->floor == FLOOR_COUNT)
            kind = TRAP_SPIKE;
        if (place.x >= 0 && tile_distance(place, dungeon->start) > 1)
            trap_place(kind, place);
    }
}

static struct entity *stock_monster(struct tile_position place)
{
    int species = species_for_floor(dungeon->floor);
    int level = dungeon->floor + (dungeon->floor > 8 ? (dungeon->floor - 8) / 4 : 0) + random_below(2) - (dungeon->floor > 2 && random_percent(40));
    struct entity *entity = wild_place(species, level < 1 ? 1 : level, place);
    if (!entity)
        return NULL;
    struct monster *monster = monster_of(entity);
    monster_face(entity, random_below(DIRECTION_COUNT));
    if (species_table[species].temper == TEMPER_SLEEPER && random_percent(SLEEPER_CHANCE)) {
        monster->sleep = SLEEP_ASLEEP;
        monster->sleep_turns = 127;
    }
    return entity;
}

static void stock_monsters(void)
{
    int count = 4 + dungeon->floor / 4 + random_below(2);
    for (int index = 0; index < count; index++) {
        struct tile_position place = room_tile_random(room_random());
        if (place.x >= 0 && !in_sight(dungeon->start, place))
            stock_monster(place);
    }
}

boolean wild_spawn_unseen(void)
{
    if (wild_count() >= WILD_LIMIT)
        return 0;
    struct tile_position place = room_tile_random(room_random());
    if (place.x < 0 || in_sight(leader_position, place))
        return 0;
    struct entity *entity = stock_monster(place);
    if (entity)
        monster_of(entity)->sleep = SLEEP_NONE;
    return entity != NULL;
}

// A shrew that lost its way waits on one early floor for a friend.
static void stock_stray(void)
{
    if (dungeon->floor != run_stray_floor() || dungeon->team[1].species)
        return;
    int start_room = tile_at(dungeon->start.x, dungeon->start.y)->room;
    for (int attempt = 0; attempt < 20; attempt++) {
        int room = room_random();
        struct tile_position place = room_tile_random(room);
        if (room == start_room || place.x < 0)
            continue;
        struct entity *entity = wild_place(SPECIES_SHREW, dungeon->team[0].level, place);
        monster_of(entity)->behaviour = BEHAVIOUR_STRAY;
        monster_of(entity)->objective = OBJECTIVE_STAND;
        return;
    }
}

void floor_stock(void)
{
    dungeon->item_count = 0;
    int count = random_between(3, 5);
    if (dungeon->floor % TURNIP_EVERY_FLOORS == 0)
        stock_item(ITEM_TURNIP);
    if (dungeon->floor <= KIND_FLOORS || dungeon->floor % 2 == 1)
        stock_item(ITEM_DEWBERRY);
    for (int index = 0; index < count; index++)
        stock_item(item_for_floor());
    stock_traps();
    stock_monsters();
    stock_stray();
}
