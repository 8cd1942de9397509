#include "map_screen.h"
#include "canvas.h"
#include "entity.h"
#include "input.h"
#include "message.h"
#include "minimap.h"
#include "video.h"

enum { DOT = 4, LEFT = 8, TOP = 22 };

static void dot(struct tile_position place, enum canvas_color color)
{
    canvas_fill(LEFT + DOT * place.x, TOP + DOT * place.y, DOT, DOT, color);
}

static void draw_ground(void)
{
    for (int y = 0; y < MAP_HEIGHT; y++) {
        for (int x = 0; x < MAP_WIDTH; x++) {
            const struct tile *tile = &dungeon->tiles[y][x];
            struct tile_position place = {x, y};
            int kind = tile->terrain & TERRAIN_KIND;
            if (!(tile->knowledge & KNOWN) || kind == TERRAIN_WALL)
                continue;
            dot(place, kind == TERRAIN_WATER ? COLOR_BLUE : tile->terrain & TERRAIN_STAIRS ? COLOR_ORANGE
                                                                                            : COLOR_MAP_FLOOR);
        }
    }
}

static void draw_objects(void)
{
    for (int slot = 0; slot < ITEM_MAX; slot++) {
        const struct entity *item = &dungeon->item_entities[slot];
        if (item->kind == ENTITY_ITEM && tile_at(item->position.x, item->position.y)->knowledge & KNOWN_VISITED)
            canvas_fill(LEFT + DOT * item->position.x + 1, TOP + DOT * item->position.y + 1, 2, 2, COLOR_GREEN);
        const struct entity *trap = &dungeon->trap_entities[slot];
        if (trap->kind == ENTITY_TRAP && trap->is_visible)
            canvas_fill(LEFT + DOT * trap->position.x + 1, TOP + DOT * trap->position.y + 1, 2, 2, COLOR_SHADOW);
    }
    for (int index = 0; index < ACTIVE_MAX && dungeon->active[index]; index++) {
        const struct entity *entity = dungeon->active[index];
        if (monster_of(entity)->is_wild && in_sight(leader_position, entity->position))
            dot(entity->position, COLOR_RED);
        else if (!monster_of(entity)->is_wild)
            dot(entity->position, entity == leader() ? COLOR_YELLOW : COLOR_WHITE);
    }
}

void map_screen(void)
{
    message_hide();
    dungeon->in_floor_map = 1;
    canvas_fill(0, 14, SCREEN_WIDTH, SCREEN_HEIGHT - 14, COLOR_DARK);
    draw_ground();
    draw_objects();
    int frames = 0;
    do {
        dot(leader_position, frames++ & 16 ? COLOR_WHITE : COLOR_YELLOW);
        frame_wait();
    } while (!key_pressed(KEY_B | KEY_SELECT));
    canvas_fill(0, 14, SCREEN_WIDTH, SCREEN_HEIGHT - 14, COLOR_CLEAR);
    dungeon->in_floor_map = 0;
    minimap_changed();
}
