// Digs a floor: a grid of cells, a room or a mere junction in each, corridors along a spanning tree and some more.
#include "floor.h"
#include "map.h"
#include "random.h"

enum { CELLS_MAX = 12, MARGIN = 2, LEFT = 2, TOP = 2, USABLE_WIDTH = 52, USABLE_HEIGHT = 28 };
enum { ROOM_WIDTH_MIN = 5, ROOM_HEIGHT_MIN = 4, ROOM_WIDTH_MAX = 11, ROOM_HEIGHT_MAX = 8 };
enum { EXTRA_CORRIDOR_CHANCE = 28, WATER_CHANCE = 45 };
enum link { LINK_EAST = 1, LINK_SOUTH = 2 };

struct cell {
    s8 min_x, min_y, end_x, end_y;
    boolean is_room, is_joined, is_used;
    u8 links;
};

static struct cell cells[CELLS_MAX];
static int columns, rows;

static void dig(int x, int y)
{
    struct tile *tile = &dungeon->tiles[y][x];
    if (!(tile->terrain & TERRAIN_BORDER))
        tile->terrain = (tile->terrain & ~TERRAIN_KIND) | TERRAIN_FLOOR;
}

static void choose_cells(void)
{
    static const u8 grids[][2] = {{3, 2}, {3, 3}, {4, 2}, {4, 3}};
    const u8 *grid = grids[dungeon->floor == 1 ? 1 + random_below(2) : random_below(COUNT_OF(grids))];
    columns = grid[0];
    rows = grid[1];
    int total = columns * rows, most = total < 9 ? total : 9;
    int rooms = random_between(most < 6 ? 4 : most - 3, most);
    for (int index = 0; index < total; index++)
        cells[index] = (struct cell){.is_room = index < rooms, .is_used = 1};
    for (int index = total - 1; index > 0; index--) {
        int other = random_below(index + 1);
        boolean kept = cells[index].is_room;
        cells[index].is_room = cells[other].is_room;
        cells[other].is_room = kept;
    }
}

static void shape_cell(int index)
{
    struct cell *cell = &cells[index];
    int cell_width = USABLE_WIDTH / columns, cell_height = USABLE_HEIGHT / rows;
    int left = LEFT + index % columns * cell_width + MARGIN, top = TOP + index / columns * cell_height + MARGIN;
    int room_width = cell_width - 2 * MARGIN, room_height = cell_height - 2 * MARGIN;
    int width = 1, height = 1;
    if (cell->is_room) {
        width = random_between(ROOM_WIDTH_MIN, room_width < ROOM_WIDTH_MAX ? room_width : ROOM_WIDTH_MAX);
        height = random_between(ROOM_HEIGHT_MIN, room_height < ROOM_HEIGHT_MAX ? room_height : ROOM_HEIGHT_MAX);
    }
    cell->min_x = left + random_below(room_width - width + 1);
    cell->min_y = top + random_below(room_height - height + 1);
    cell->end_x = cell->min_x + width;
    cell->end_y = cell->min_y + height;
}

static int neighbour_cell(int index, int side)
{
    int x = index % columns, y = index / columns;
    switch (side) {
    case 0:
        return x + 1 < columns ? index + 1 : -1;
    case 1:
        return y + 1 < rows ? index + columns : -1;
    case 2:
        return x > 0 ? index - 1 : -1;
    default:
        return y > 0 ? index - columns : -1;
    }
}

static void link_cells(int one, int other)
{
    int first = one < other ? one : other, difference = one < other ? other - one : one - other;
    cells[first].links |= difference == 1 && columns != 1 ? LINK_EAST : LINK_SOUTH;
}

static int link_count(int index)
{
    int west = neighbour_cell(index, 2), north = neighbour_cell(index, 3);
    return (cells[index].links & LINK_EAST ? 1 : 0) + (cells[index].links & LINK_SOUTH ? 1 : 0) +
           (west >= 0 && cells[west].links & LINK_EAST ? 1 : 0) + (north >= 0 && cells[north].links & LINK_SOUTH ? 1 : 0);
}

static void join_cells(void)
{
    int total = columns * rows, joined = 1;
    cells[random_below(total)].is_joined = 1;
    while (joined < total) {
        int index = random_below(total), other = neighbour_cell(index, random_below(4));
        if (other < 0 || !cells[index].is_joined || cells[other].is_joined)
            continue;
        cells[other].is_joined = 1;
        link_cells(index, other);
        joined++;
    }
    for (int index = 0; index < total; index++)
        for (int side = 0; side < 2; side++)
            if (neighbour_cell(index, side) >= 0 && random_percent(EXTRA_CORRIDOR_CHANCE))
                link_cells(index, neighbour_cell(index, side));
}

// A junction that leads nowhere is filled in again, until none is left.
static void drop_dead_ends(void)
{
    boolean changed = 1;
    while (changed) {
        changed = 0;
        for (int index = 0; index < columns * rows; index++) {
            if (cells[index].is_room || !cells[index].is_used || link_count(index) > 1)
                continue;
            int west = neighbour_cell(index, 2), north = neighbour_cell(index, 3);
            cells[index].is_used = cells[index].links = 0;
            if (west >= 0)
                cells[west].links &= ~LINK_EAST;
            if (north >= 0)
                cells[north].links &= ~LINK_SOUTH;
            changed = 1;
        }
    }
}

static void dig_rooms(void)
{
    int count = 0;
    for (int index = 0; index < columns * rows; index++) {
        struct cell *cell = &cells[index];
        if (!cell->is_used)
            continue;
        for (int y = cell->min_y; y < cell->end_y; y++)
            for (int x = cell->min_x; x < cell->end_x; x++)
                dig(x, y);
        if (!cell->is_room)
            continue;
        struct room *room = &dungeon->rooms[count];
        *room = (struct room){.exists = 1, .min_x = cell->min_x, .min_y = cell->min_y, .end_x = cell->end_x,
                              .end_y = cell->end_y};
        room->pixel_edges[0] = 24 * (room->min_x - 1);
        room->pixel_edges[1] = 24 * (room->min_y - 1);
        room->pixel_edges[2] = 24 * (room->end_x + 1);
        room->pixel_edges[3] = 24 * (room->end_y + 1);
        for (int y = cell->min_y; y < cell->end_y; y++)
            for (int x = cell->min_x; x < cell->end_x; x++)
                dungeon->tiles[y][x].room = count;
        count++;
    }
    dungeon->room_count = count;
}

static void dig_line(int x, int y, int to_x, int to_y)
{
    int step_x = x < to_x ? 1 : x > to_x ? -1 : 0, step_y = y < to_y ? 1 : y > to_y ? -1 : 0;
    for (;;) {
        dig(x, y);
        if (x == to_x && y == to_y)
            break;
        x += step_x;
        y += step_y;
    }
}

static void dig_corridors(void)
{
    for (int index = 0; index < columns * rows; index++) {
        const struct cell *from = &cells[index];
        if (from->links & LINK_EAST) {
            const struct cell *to = &cells[index + 1];
            int from_y = random_between(from->min_y, from->end_y - 1), to_y = random_between(to->min_y, to->end_y - 1);
            int bend = random_between(from->end_x + 1, to->min_x - 2);
            dig_line(from->end_x, from_y, bend, from_y);
            dig_line(bend, from_y, bend, to_y);
            dig_line(bend, to_y, to->min_x - 1, to_y);
        }
        if (from->links & LINK_SOUTH) {
            const struct cell *to = &cells[index + columns];
            int from_x = random_between(from->min_x, from->end_x - 1), to_x = random_between(to->min_x, to->end_x - 1);
            int bend = random_between(from->end_y + 1, to->min_y - 2);
            dig_line(from_x, from->end_y, from_x, bend);
            dig_line(from_x, bend, to_x, bend);
            dig_line(to_x, bend, to_x, to->min_y - 1);
        }
    }
}

// A pool leaves a ring of dry floor along the walls, so it never cuts a room in two.
static void flood_rooms(void)
{
    for (int index = 0; index < dungeon->room_count; index++) {
        const struct room *room = &dungeon->rooms[index];
        int width = room->end_x - room->min_x - 2, height = room->end_y - room->min_y - 2;
        if (width < 3 || height < 2 || !random_percent(WATER_CHANCE))
            continue;
        int pool_width = random_between(2, width - 1), pool_height = random_between(2, height);
        int left = room->min_x + 1 + random_below(width - pool_width + 1);
        int top = room->min_y + 1 + random_below(height - pool_height + 1);
        for (int y = 0; y < pool_height; y++)
            for (int x = 0; x < pool_width; x++) {
                boolean corner = (x == 0 || x == pool_width - 1) && (y == 0 || y == pool_height - 1);
                if (!corner || pool_width < 3 || pool_height < 3)
                    dungeon->tiles[top + y][left + x].terrain = TERRAIN_WATER;
            }
    }
}

int room_random(void)
{
    return random_below(dungeon->room_count);
}

struct tile_position room_tile_random(int room)
{
    const struct room *area = &dungeon->rooms[room];
    for (int attempt = 0; attempt < 40; attempt++) {
        int x = random_between(area->min_x, area->end_x - 1), y = random_between(area->min_y, area->end_y - 1);
        const struct tile *tile = &dungeon->tiles[y][x];
        if ((tile->terrain & (TERRAIN_KIND | TERRAIN_STAIRS | TERRAIN_EXIT)) == TERRAIN_FLOOR && !tile->monster &&
            !tile->object)
            return (struct tile_position){x, y};
    }
    return (struct tile_position){-1, -1};
}

// The start is anywhere; the stairs are in another room, the farthest of three draws.
static void choose_ends(void)
{
    int start_room = room_random(), best = -1;
    do
        dungeon->start = room_tile_random(start_room);
    while (dungeon->start.x < 0);
    while (best < 0) {
        for (int draw = 0; draw < 3; draw++) {
            int room = room_random();
            struct tile_position place = room_tile_random(room);
            if (room == start_room || place.x < 0)
                continue;
            int distance = tile_distance(place, dungeon->start);
            if (distance > best) {
                best = distance;
                dungeon->stairs = place;
            }
        }
    }
    dungeon->tiles[dungeon->stairs.y][dungeon->stairs.x].terrain |= TERRAIN_STAIRS;
}

void floor_dig(void)
{
    choose_cells();
    for (int index = 0; index < columns * rows; index++)
        shape_cell(index);
    join_cells();
    drop_dead_ends();
    dig_rooms();
    dig_corridors();
    if (dungeon->floor >= WATER_FIRST_FLOOR)
        flood_rooms();
    map_finish();
    choose_ends();
    map_draw_tile(dungeon->stairs.x, dungeon->stairs.y);
}
