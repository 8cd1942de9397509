#include "entity.h"
#include "species.h"
#include "text.h"

enum { FIRST_SPAWN_ID = 10 };

static void list_active(void)
{
    int count = 0;
    for (int slot = 0; slot < TEAM_MAX; slot++)
        if (dungeon->team_entities[slot].kind == ENTITY_MONSTER)
            dungeon->active[count++] = &dungeon->team_entities[slot];
    for (int slot = 0; slot < WILD_MAX; slot++)
        if (dungeon->wild_entities[slot].kind == ENTITY_MONSTER)
            dungeon->active[count++] = &dungeon->wild_entities[slot];
    while (count < ACTIVE_MAX)
        dungeon->active[count++] = NULL;
}

static void reset_table(struct entity *entities, struct entity **slots, int count)
{
    memset(entities, 0, count * sizeof *entities);
    for (int slot = 0; slot < count; slot++) {
        slots[slot] = &entities[slot];
        entities[slot].slot = slot;
    }
}

void entities_reset(void)
{
    reset_table(dungeon->team_entities, dungeon->team_slots, TEAM_MAX);
    reset_table(dungeon->wild_entities, dungeon->wild_slots, WILD_MAX);
    reset_table(dungeon->item_entities, dungeon->item_slots, ITEM_MAX);
    reset_table(dungeon->trap_entities, dungeon->trap_slots, TRAP_MAX);
    memset(dungeon->wild, 0, sizeof dungeon->wild);
    memset(dungeon->floor_items, 0, sizeof dungeon->floor_items);
    memset(dungeon->floor_traps, 0, sizeof dungeon->floor_traps);
    dungeon->next_spawn_id = FIRST_SPAWN_ID;
    list_active();
}

struct entity *leader(void)
{
    return &dungeon->team_entities[0];
}

struct entity *ally(void)
{
    return is_monster(&dungeon->team_entities[1]) ? &dungeon->team_entities[1] : NULL;
}

struct pixel_position pixel_of_tile(struct tile_position place)
{
    return (struct pixel_position){(24 * place.x + 12) << 8, (24 * place.y + 16) << 8};
}

static void stand(struct entity *entity, struct tile_position place)
{
    struct tile *tile = tile_at(place.x, place.y);
    tile->monster = entity;
    entity->position = place;
    entity->room = tile->room;
}

static struct entity *monster_begin(struct entity *entity, struct monster *monster, struct tile_position place)
{
    u8 slot = entity->slot;
    memset(entity, 0, sizeof *entity);
    entity->slot = slot;
    entity->kind = ENTITY_MONSTER;
    entity->info = monster;
    entity->is_visible = 1;
    entity->spawn_id = dungeon->next_spawn_id++;
    entity->previous = (struct tile_position){-1, -1};
    entity->pixel = entity->previous_pixel = pixel_of_tile(place);
    entity->picture = &species_table[monster->species];
    for (int index = 0; index < 4; index++)
        monster->trail[index] = place;
    monster->sprite_id = entity->spawn_id;
    monster->target = NULL;
    stand(entity, place);
    monster_face(entity, monster->direction);
    list_active();
    return entity;
}

struct entity *team_place(int slot, struct tile_position place)
{
    struct entity *entity = monster_begin(&dungeon->team_entities[slot], &dungeon->team[slot], place);
    if (slot == 0) {
        leader_position = place;
        dungeon->camera = place;
        dungeon->camera_target = entity;
    }
    return entity;
}

struct entity *wild_place(int species, int level, struct tile_position place)
{
    int slot = 0;
    while (slot < WILD_MAX && dungeon->wild_entities[slot].kind != ENTITY_NONE)
        slot++;
    if (slot == WILD_MAX)
        return NULL;
    struct monster *monster = &dungeon->wild[slot];
    memset(monster, 0, sizeof *monster);
    monster->species = monster->species_shown = species;
    monster->is_wild = 1;
    monster->speed = species_table[species].speed;
    monster->types[0] = species_table[species].types[0];
    monster->objective = OBJECTIVE_ROAM;
    monster->belly = monster->belly_max = 100;
    monster->joined_dungeon = dungeon->id;
    monster->joined_floor = dungeon->floor;
    monster->target_position.x = -1;
    for (int index = 0; index < 2; index++)
        monster->attack_stages[index] = monster->defence_stages[index] = monster->hit_stages[index] = 10;
    monster_set_level(monster, level);
    return monster_begin(&dungeon->wild_entities[slot], monster, place);
}

static void remember_step(struct entity *entity)
{
    struct monster *monster = monster_of(entity);
    for (int index = 3; index > 0; index--)
        monster->trail[index] = monster->trail[index - 1];
    monster->trail[0] = entity->position;
}

static void follow_leader(struct entity *entity)
{
    if (entity != leader())
        return;
    leader_cache = entity;
    leader_position = map_dot = entity->position;
    dungeon->camera = entity->position;
}

void monster_move(struct entity *entity, struct tile_position place)
{
    tile_at(entity->position.x, entity->position.y)->monster = NULL;
    entity->previous = entity->position;
    entity->previous_pixel = entity->pixel;
    stand(entity, place);
    remember_step(entity);
    follow_leader(entity);
}

void monsters_swap(struct entity *one, struct entity *other)
{
    struct tile_position from = one->position, to = other->position;
    one->previous = from;
    other->previous = to;
    one->previous_pixel = one->pixel;
    other->previous_pixel = other->pixel;
    stand(one, to);
    stand(other, from);
    remember_step(one);
    remember_step(other);
    follow_leader(one);
}

void monster_remove(struct entity *entity)
{
    struct tile *tile = tile_at(entity->position.x, entity->position.y);
    if (tile->monster == entity)
        tile->monster = NULL;
    entity->kind = ENTITY_NONE;
    entity->is_visible = 0;
    for (int index = 0; index < ACTIVE_MAX; index++)
        if (dungeon->active[index] && monster_of(dungeon->active[index])->target == entity)
            monster_of(dungeon->active[index])->target = NULL;
    list_active();
}

void monster_face(struct entity *entity, int direction)
{
    monster_of(entity)->direction = direction;
    entity->drawn_direction = direction;
}

struct entity *monster_at(struct tile_position place)
{
    return tile_at(place.x, place.y)->monster;
}

int wild_count(void)
{
    int count = 0;
    for (int slot = 0; slot < WILD_MAX; slot++)
        count += dungeon->wild_entities[slot].kind == ENTITY_MONSTER;
    return count;
}

struct tile_position position_ahead(const struct entity *entity, int direction)
{
    return (struct tile_position){entity->position.x + direction_x[direction],
                                  entity->position.y + direction_y[direction]};
}

static struct entity *object_place(struct entity *entities, int count, u32 kind, struct tile_position place)
{
    struct tile *tile = tile_at(place.x, place.y);
    if (tile->object || tile->terrain & TERRAIN_STAIRS || !map_contains(place.x, place.y))
        return NULL;
    for (int slot = 0; slot < count; slot++) {
        struct entity *entity = &entities[slot];
        if (entity->kind != ENTITY_NONE)
            continue;
        entity->kind = kind;
        entity->position = place;
        entity->previous = place;
        entity->pixel = entity->previous_pixel = pixel_of_tile(place);
        entity->room = tile->room;
        tile->object = entity;
        return entity;
    }
    return NULL;
}

struct entity *item_place(struct item item, struct tile_position place)
{
    struct entity *entity = object_place(dungeon->item_entities, ITEM_MAX, ENTITY_ITEM, place);
    if (entity) {
        item.flags = ITEM_EXISTS;
        dungeon->floor_items[entity->slot] = item;
        entity->info = &dungeon->floor_items[entity->slot];
        entity->is_visible = 1;
    }
    return entity;
}

void item_remove(struct entity *entity)
{
    tile_at(entity->position.x, entity->position.y)->object = NULL;
    dungeon->floor_items[entity->slot].flags = 0;
    entity->kind = ENTITY_NONE;
    entity->is_visible = 0;
}

struct entity *trap_place(int kind, struct tile_position place)
{
    struct entity *entity = object_place(dungeon->trap_entities, TRAP_MAX, ENTITY_TRAP, place);
    if (entity) {
        dungeon->floor_traps[entity->slot] = (struct trap){.kind = kind};
        entity->info = &dungeon->floor_traps[entity->slot];
    }
    return entity;
}

static struct entity *object_at(struct tile_position place, u32 kind)
{
    struct entity *entity = tile_at(place.x, place.y)->object;
    return entity && entity->kind == kind ? entity : NULL;
}

struct entity *item_at(struct tile_position place)
{
    return object_at(place, ENTITY_ITEM);
}

struct entity *trap_at(struct tile_position place)
{
    return object_at(place, ENTITY_TRAP);
}

struct tile_position free_tile_near(struct tile_position place, boolean for_monster)
{
    for (int reach = for_monster; reach <= 4; reach++) {
        for (int dy = -reach; dy <= reach; dy++) {
            for (int dx = -reach; dx <= reach; dx++) {
                struct tile_position spot = {place.x + dx, place.y + dy};
                const struct tile *tile = tile_at(spot.x, spot.y);
                if (tile_distance(place, spot) != reach || (tile->terrain & TERRAIN_KIND) != TERRAIN_FLOOR)
                    continue;
                if (for_monster ? !tile->monster : !tile->object && !(tile->terrain & TERRAIN_STAIRS))
                    return spot;
            }
        }
    }
    return (struct tile_position){-1, -1};
}
