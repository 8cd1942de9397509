#include "minimap.h"
#include "canvas.h"
#include "entity.h"

// The map's pixels begin at a character cell, so that a row is whole words.
enum { LEFT = 176, TOP = 16, WORDS_A_ROW = MAP_WIDTH / 8 };

static boolean changed;

void minimap_changed(void)
{
    changed = 1;
}

FAST_CODE static void draw_ground(void)
{
    for (int y = 0; y < MAP_HEIGHT; y++) {
        const struct tile *tile = dungeon->tiles[y];
        volatile u32 *word = (volatile u32 *)VIDEO_RAM + (((TOP + y) >> 3) * CANVAS_COLUMNS + LEFT / 8) * 8 + (y & 7);
        for (int part = 0; part < WORDS_A_ROW; part++, word += 8) {
            u32 row = 0;
            for (int pixel = 0; pixel < 8; pixel++, tile++) {
                u32 color = COLOR_DARK;
                if (tile->knowledge & KNOWN && tile->terrain & TERRAIN_KIND)
                    color = (tile->terrain & TERRAIN_KIND) == TERRAIN_WATER ? COLOR_BLUE : COLOR_MAP_FLOOR;
                row |= color << (4 * pixel);
            }
            *word = row;
        }
    }
}

static void dot(struct tile_position place, int size, enum canvas_color color)
{
    canvas_fill(LEFT + place.x, TOP + place.y, size, size, color);
}

void minimap_draw(void)
{
    if (!changed || (window_layout != LAYOUT_FREE && window_layout != LAYOUT_POPUP) || dungeon->in_floor_map)
        return;
    changed = 0;
    minimap_shown = 1;
    canvas_fill(LEFT - 2, TOP - 2, MAP_WIDTH + 4, 1, COLOR_MAP_SEEN);
    canvas_fill(LEFT - 2, TOP + MAP_HEIGHT + 1, MAP_WIDTH + 4, 1, COLOR_MAP_SEEN);
    canvas_fill(LEFT - 2, TOP - 2, 1, MAP_HEIGHT + 4, COLOR_MAP_SEEN);
    canvas_fill(LEFT + MAP_WIDTH + 1, TOP - 2, 1, MAP_HEIGHT + 4, COLOR_MAP_SEEN);
    canvas_fill(LEFT - 1, TOP - 1, MAP_WIDTH + 2, MAP_HEIGHT + 2, COLOR_DARK);
    draw_ground();
    for (int slot = 0; slot < ITEM_MAX; slot++) {
        const struct entity *item = &dungeon->item_entities[slot];
        if (item->kind == ENTITY_ITEM && tile_at(item->position.x, item->position.y)->knowledge & KNOWN_VISITED)
            dot(item->position, 1, COLOR_GREEN);
    }
    if (tile_at(dungeon->stairs.x, dungeon->stairs.y)->knowledge & KNOWN)
        dot(dungeon->stairs, 2, COLOR_ORANGE);
    for (int index = ACTIVE_MAX - 1; index >= 0; index--) {
        const struct entity *entity = dungeon->active[index];
        if (!entity || (monster_of(entity)->is_wild && !in_sight(leader_position, entity->position)))
            continue;
        dot(entity->position, 2, monster_of(entity)->is_wild ? COLOR_RED : entity == leader() ? COLOR_YELLOW : COLOR_WHITE);
    }
}
