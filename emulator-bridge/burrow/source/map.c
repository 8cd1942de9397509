#include "map.h"
#include "art.h"
#include "text.h"

const s8 direction_x[DIRECTION_COUNT] = {0, 1, 1, 1, 0, -1, -1, -1};
const s8 direction_y[DIRECTION_COUNT] = {1, 1, 0, -1, -1, -1, 0, 1};

static const struct tile outside = {.terrain = TERRAIN_WALL | TERRAIN_BORDER, .room = ROOM_NONE};

boolean map_contains(int x, int y)
{
    return (u32)x < MAP_WIDTH && (u32)y < MAP_HEIGHT;
}

struct tile *tile_at(int x, int y)
{
    return map_contains(x, y) ? &dungeon->tiles[y][x] : (struct tile *)&outside;
}

int terrain_kind(int x, int y)
{
    return tile_at(x, y)->terrain & TERRAIN_KIND;
}

boolean step_allowed(int x, int y, int direction, enum movement movement)
{
    return tile_at(x, y)->steps[movement] >> direction & 1;
}

int direction_between(struct tile_position from, struct tile_position to)
{
    int dx = to.x - from.x, dy = to.y - from.y;
    int way_x = dx < 0 ? -1 : dx > 0, way_y = dy < 0 ? -1 : dy > 0;
    for (int direction = 0; direction < DIRECTION_COUNT; direction++)
        if (direction_x[direction] == way_x && direction_y[direction] == way_y)
            return direction;
    return DIRECTION_NONE;
}

int tile_distance(struct tile_position a, struct tile_position b)
{
    int dx = a.x < b.x ? b.x - a.x : a.x - b.x, dy = a.y < b.y ? b.y - a.y : a.y - b.y;
    return dx > dy ? dx : dy;
}

void map_reset(void)
{
    outside_tile = &outside;
    memset(dungeon->tiles, 0, sizeof dungeon->tiles);
    memset(dungeon->rooms, 0, sizeof dungeon->rooms);
    memset(dungeon->exit_counts, 0, sizeof dungeon->exit_counts);
    for (int y = 0; y < MAP_HEIGHT; y++) {
        for (int x = 0; x < MAP_WIDTH; x++) {
            struct tile *tile = &dungeon->tiles[y][x];
            dungeon->tile_pointers[y][x] = tile;
            tile->room = ROOM_NONE;
            if (x < 1 || y < 1 || x >= MAP_WIDTH - 1 || y >= MAP_HEIGHT - 1)
                tile->terrain = TERRAIN_BORDER;
        }
    }
}

enum { KIND_BORDER = 4 };

static inline __attribute__((always_inline)) int kind_at(int x, int y)
{
    if ((u32)x >= MAP_WIDTH || (u32)y >= MAP_HEIGHT)
        return KIND_BORDER;
    u32 terrain = dungeon->tiles[y][x].terrain;
    return terrain & TERRAIN_BORDER ? KIND_BORDER : (int)(terrain & TERRAIN_KIND);
}

static inline boolean is_solid(int kind)
{
    return kind == TERRAIN_WALL || kind == KIND_BORDER;
}

// For each class of movement, which of the eight steps from each tile the terrain allows.
FAST_CODE static void find_steps(void)
{
    for (int y = 0; y < MAP_HEIGHT; y++) {
        for (int x = 0; x < MAP_WIDTH; x++) {
            u32 ground = 0, water = 0, air = 0, walls = 0;
            int kinds[DIRECTION_COUNT];
            for (int direction = 0; direction < DIRECTION_COUNT; direction++)
                kinds[direction] = kind_at(x + direction_x[direction], y + direction_y[direction]);
            for (int direction = 0; direction < DIRECTION_COUNT; direction++) {
                int kind = kinds[direction];
                u32 bit = 1u << direction;
                if (kind != KIND_BORDER)
                    walls |= bit;
                if (is_solid(kind) ||
                    (direction & 1 && (is_solid(kinds[direction - 1]) || is_solid(kinds[(direction + 1) & 7]))))
                    continue;
                air |= bit;
                water |= kind != 3 ? bit : 0;
                ground |= kind == TERRAIN_FLOOR ? bit : 0;
            }
            u8 *steps = dungeon->tiles[y][x].steps;
            steps[MOVES_ON_GROUND] = ground;
            steps[MOVES_ON_WATER] = water;
            steps[MOVES_IN_AIR] = air;
            steps[MOVES_IN_WALLS] = walls;
        }
    }
}

// The tiles of a room that a corridor leads away from.
static void find_exits(int x, int y)
{
    struct tile *tile = &dungeon->tiles[y][x];
    if (tile->room == ROOM_NONE || (tile->terrain & TERRAIN_KIND) != TERRAIN_FLOOR)
        return;
    for (int direction = 0; direction < DIRECTION_COUNT; direction += 2) {
        const struct tile *next = tile_at(x + direction_x[direction], y + direction_y[direction]);
        if (next->room == ROOM_NONE && (next->terrain & TERRAIN_KIND) == TERRAIN_FLOOR &&
            !(tile->terrain & TERRAIN_EXIT) && dungeon->exit_counts[tile->room] < EXIT_MAX) {
            tile->terrain |= TERRAIN_EXIT;
            dungeon->exits[tile->room][dungeon->exit_counts[tile->room]++] = (struct tile_position){x, y};
        }
    }
}

// Bit d is set where the neighbour in direction d is of another kind; for walls, where it is not a wall.
static int neighbour_mask(int x, int y, int kind)
{
    int mask = 0;
    for (int direction = 0; direction < DIRECTION_COUNT; direction++)
        if (terrain_kind(x + direction_x[direction], y + direction_y[direction]) != kind)
            mask |= 1 << direction;
    return mask;
}

void map_draw_tile(int x, int y)
{
    struct tile *tile = &dungeon->tiles[y][x];
    u32 mix = (x * 73 + y * 179 + x * y * 31 + dungeon->floor_seed) * 2654435761u >> 24;
    int kind = tile->terrain & TERRAIN_KIND, mask = kind == TERRAIN_FLOOR ? 0 : neighbour_mask(x, y, kind);
    if (tile->terrain & TERRAIN_STAIRS)
        tile->graphic = stairs_graphic;
    else if (kind == TERRAIN_WALL)
        tile->graphic = mask ? wall_graphics[mask] : inner_wall_graphics[mix % INNER_WALL_VARIANTS];
    else if (kind == TERRAIN_WATER)
        tile->graphic = water_graphics[mask];
    else
        tile->graphic = floor_graphics[(mix < 130 ? 0 : mix < 200 ? 1 : mix < 225 ? 2 : 3) +
                                       (terrain_kind(x, y - 1) == TERRAIN_WALL ? FLOOR_VARIANTS : 0)];
}

void map_finish(void)
{
    find_steps();
    for (int y = 0; y < MAP_HEIGHT; y++) {
        for (int x = 0; x < MAP_WIDTH; x++) {
            find_exits(x, y);
            map_draw_tile(x, y);
        }
    }
}

static void reveal_rectangle(int min_x, int min_y, int end_x, int end_y)
{
    for (int y = min_y; y < end_y; y++)
        for (int x = min_x; x < end_x; x++)
            if (map_contains(x, y))
                dungeon->tiles[y][x].knowledge |= KNOWN;
}

void map_reveal(struct tile_position viewer)
{
    int room = tile_at(viewer.x, viewer.y)->room, sight = dungeon->sight;
    reveal_rectangle(viewer.x - sight, viewer.y - sight, viewer.x + sight + 1, viewer.y + sight + 1);
    if (room == ROOM_NONE)
        return;
    struct room *area = &dungeon->rooms[room];
    if (!area->discovered) {
        area->discovered = 1;
        reveal_rectangle(area->min_x - 1, area->min_y - 1, area->end_x + 1, area->end_y + 1);
    }
}

void map_reveal_all(void)
{
    dungeon->all_revealed = 1;
    reveal_rectangle(0, 0, MAP_WIDTH, MAP_HEIGHT);
}

boolean in_sight(struct tile_position viewer, struct tile_position seen)
{
    if (tile_distance(viewer, seen) <= dungeon->sight)
        return 1;
    int room = tile_at(viewer.x, viewer.y)->room;
    if (room == ROOM_NONE)
        return 0;
    const struct room *area = &dungeon->rooms[room];
    return seen.x >= area->min_x - 1 && seen.x <= area->end_x && seen.y >= area->min_y - 1 && seen.y <= area->end_y;
}
