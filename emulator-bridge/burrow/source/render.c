#include "render.h"
#include "art.h"
#include "canvas.h"
#include "entity.h"
#include "items.h"
#include "message.h"
#include "minimap.h"
#include "species.h"
#include "text.h"
#include "video.h"

enum { EFFECT_MAX = 8, NUMBER_FRAMES = 28, STAR_FRAMES = 8, LUNGE_FRAMES = 4, HUD_HEIGHT = 12 };

struct effect {
    s16 x, y, value;
    u8 frames;
    boolean is_star;
};

static struct effect effects[EFFECT_MAX];
static int pebble_x = -1, pebble_y, pebble_item;
static struct {
    s16 floor, level, hp, hp_max, belly;
    s32 coins;
} shown;

void render_reset(void)
{
    memset(effects, 0, sizeof effects);
    pebble_x = -1;
    status_line_redraw();
    minimap_changed();
}

static struct effect *effect_slot(void)
{
    struct effect *oldest = effects;
    for (int index = 0; index < EFFECT_MAX; index++)
        if (effects[index].frames < oldest->frames)
            oldest = &effects[index];
    return oldest;
}

void effect_number(const struct entity *entity, int value)
{
    *effect_slot() = (struct effect){entity->pixel.x >> 8, (entity->pixel.y >> 8) - 18, value, NUMBER_FRAMES, 0};
}

void effect_star(const struct entity *entity)
{
    *effect_slot() = (struct effect){entity->pixel.x >> 8, (entity->pixel.y >> 8) - 8, 0, STAR_FRAMES, 1};
}

void effect_pebble(int x, int y)
{
    pebble_x = x;
    pebble_y = y;
}

void effect_thrown_item(int id)
{
    pebble_item = id;
}

static inline int graphic_of(const struct tile *tile)
{
    const struct entity *object = tile->object;
    if (!object || object->kind != ENTITY_TRAP || !object->is_visible)
        return tile->graphic;
    switch (((const struct trap *)object->info)->kind) {
    case TRAP_SPIKE:
        return trap_graphics[TRAP_PICTURE_SPIKE];
    case TRAP_SLUMBER:
        return trap_graphics[TRAP_PICTURE_SLUMBER];
    case TRAP_PITFALL:
        return trap_graphics[TRAP_PICTURE_PITFALL];
    case TRAP_WARP:
        return trap_graphics[TRAP_PICTURE_WARP];
    case TRAP_POISON:
        return trap_graphics[TRAP_PICTURE_POISON];
    default:
        return trap_graphics[TRAP_PICTURE_PLAIN];
    }
}

struct rectangle {
    int min_x, min_y, end_x, end_y;
};

static inline boolean inside(const struct rectangle *area, int x, int y)
{
    return x >= area->min_x && x < area->end_x && y >= area->min_y && y < area->end_y;
}

// What is in sight is lit; what is only remembered is dim; the rest is black.
FAST_CODE static void draw_tiles(int camera_x, int camera_y)
{
    struct tile_position viewer = leader_position;
    int room = tile_at(viewer.x, viewer.y)->room, sight = dungeon->sight;
    struct rectangle near = {viewer.x - sight, viewer.y - sight, viewer.x + sight + 1, viewer.y + sight + 1}, area = near;
    if (room != ROOM_NONE) {
        const struct room *lit = &dungeon->rooms[room];
        area = (struct rectangle){lit->min_x - 1, lit->min_y - 1, lit->end_x + 1, lit->end_y + 1};
    }
    int first_column = camera_x >> 3, last_column = (camera_x + SCREEN_WIDTH - 1) >> 3;
    int first_x = (camera_x + 240) / 24 - 10, first_y = (camera_y + 240) / 24 - 10;
    for (int y = first_y; y <= first_y + 7; y++) {
        for (int x = first_x; x <= first_x + 10; x++) {
            const u16 *entry = terrain_entries[0];
            u16 bank = 0;
            if (map_contains(x, y) && dungeon->tiles[y][x].knowledge & KNOWN) {
                entry = terrain_entries[graphic_of(&dungeon->tiles[y][x])];
                bank = inside(&near, x, y) || inside(&area, x, y) ? 0 : TERRAIN_BANK_DIM << 12;
            }
            for (int part = 0; part < 3; part++) {
                int column = 3 * x + part;
                if (column < first_column || column > last_column)
                    continue;
                u16 *cell = &terrain_map[column & 31];
                cell[(3 * y & 31) * 32] = entry[part] | bank;
                cell[((3 * y + 1) & 31) * 32] = entry[part + 3] | bank;
                cell[((3 * y + 2) & 31) * 32] = entry[part + 6] | bank;
            }
        }
    }
    terrain_scroll_x = camera_x;
    terrain_scroll_y = camera_y;
}

static void draw_creature(const struct entity *entity, int index, int camera_x, int camera_y)
{
    static const u8 turned[DIRECTION_COUNT] = {0, 1, 2, 3, 4, 3, 2, 1};
    const struct monster *monster = monster_of(entity);
    int direction = monster->direction, species = monster->species_shown;
    boolean flipped = direction > NORTH, moth = species == SPECIES_MOTH;
    int phase = moth ? dungeon_frames >> 2 & 1 : entity->animation_timer ? entity->animation_timer >> 2 & 1 : 0;
    int breath = !moth && !entity->animation_timer && ((dungeon_frames + 13 * index) & 63) < 10;
    int x = (entity->pixel.x >> 8) - camera_x, y = (entity->pixel.y >> 8) - camera_y - (entity->height >> 8);
    if (entity->blink && dungeon_frames & 2)
        return;
    if (monster->sleep == SLEEP_ASLEEP)
        sprite_add(x + 5, y - 22 - (dungeon_frames >> 3 & 3), SPRITE_8, SPRITE_TILE_EFFECTS + EFFECT_SLEEP,
                   SPRITE_BANK_EFFECTS, 0);
    creature_frame(index, creature_frames[species_models[species - 1]][2 * turned[direction] + phase]);
    sprite_add(x - (flipped ? 20 : 12), y - 18 + breath, SPRITE_32, 16 * index, species - 1, flipped);
}

static void draw_creatures(int camera_x, int camera_y)
{
    struct entity *order[ACTIVE_MAX];
    int count = 0;
    for (int index = 0; index < ACTIVE_MAX && dungeon->active[index]; index++) {
        struct entity *entity = dungeon->active[index];
        if (entity->blink && --entity->blink == 0 && !entity->is_visible)
            continue;
        if (entity != leader() && !in_sight(leader_position, entity->position) &&
            !in_sight(leader_position, entity->previous))
            continue;
        int place = count++;
        for (; place > 0 && order[place - 1]->pixel.y < entity->pixel.y; place--)
            order[place] = order[place - 1];
        order[place] = entity;
    }
    for (int index = 0; index < count; index++) {
        struct entity *entity = order[index];
        int slot = entity - dungeon->team_entities;
        slot = slot >= 0 && slot < TEAM_MAX ? slot : TEAM_MAX + entity->slot;
        draw_creature(entity, slot, camera_x, camera_y);
    }
}

static void draw_items(int camera_x, int camera_y)
{
    for (int slot = 0; slot < ITEM_MAX; slot++) {
        const struct entity *entity = &dungeon->item_entities[slot];
        if (entity->kind != ENTITY_ITEM ||
            !(dungeon->tiles[entity->position.y][entity->position.x].knowledge & KNOWN_VISITED))
            continue;
        int picture = item_picture(((const struct item *)entity->info)->id);
        sprite_add((entity->pixel.x >> 8) - camera_x - 8, (entity->pixel.y >> 8) - camera_y - 12, SPRITE_16,
                   SPRITE_TILE_ITEMS + 4 * picture, SPRITE_BANK_ITEMS + item_picture_banks[picture], 0);
    }
}

static void draw_number(int x, int y, int value)
{
    int digits = value > 99 ? 3 : value > 9 ? 2 : 1;
    for (int index = digits - 1; index >= 0; index--) {
        sprite_add(x - 3 * digits + 6 * index - 1, y, SPRITE_8, SPRITE_TILE_EFFECTS + EFFECT_DIGITS + value % 10,
                   SPRITE_BANK_EFFECTS, 0);
        value /= 10;
    }
}

static void draw_effects(int camera_x, int camera_y)
{
    for (int index = 0; index < EFFECT_MAX; index++) {
        struct effect *effect = &effects[index];
        if (!effect->frames)
            continue;
        effect->frames--;
        int x = effect->x - camera_x, y = effect->y - camera_y;
        int age = NUMBER_FRAMES - effect->frames;
        if (effect->is_star)
            sprite_add(x - 8, y - 8, SPRITE_16, SPRITE_TILE_EFFECTS + EFFECT_STAR, SPRITE_BANK_EFFECTS, 0);
        else
            draw_number(x, y - (age < 8 ? age : 8), effect->value);
    }
    if (pebble_x < 0)
        return;
    if (pebble_item == ITEM_PEBBLES) {
        sprite_add(pebble_x - camera_x - 4, pebble_y - camera_y - 12, SPRITE_8, SPRITE_TILE_EFFECTS + EFFECT_PEBBLE,
                   SPRITE_BANK_EFFECTS, 0);
    } else {
        int picture = item_picture(pebble_item);
        sprite_add(pebble_x - camera_x - 8, pebble_y - camera_y - 16, SPRITE_16, SPRITE_TILE_ITEMS + 4 * picture,
                   SPRITE_BANK_ITEMS + item_picture_banks[picture], 0);
    }
}

void status_line_redraw(void)
{
    shown.floor = -1;
}

static void draw_status_line(void)
{
    const struct monster *monster = &dungeon->team[0];
    int belly = monster->belly + (monster->belly_thousandths > 0);
    if (shown.floor == dungeon->floor && shown.level == monster->level && shown.hp == monster->hp &&
        shown.hp_max == monster->hp_max && shown.belly == belly && shown.coins == money)
        return;
    shown.floor = dungeon->floor;
    shown.level = monster->level;
    shown.hp = dungeon->hp_drawn = monster->hp;
    shown.hp_max = monster->hp_max;
    shown.belly = belly;
    shown.coins = money;
    char text[24];
    boolean low = 4 * shown.hp <= shown.hp_max;
    canvas_fill(0, 0, SCREEN_WIDTH, HUD_HEIGHT, COLOR_SHADOW);
    text_format(text, sizeof text, "B%dF", shown.floor);
    canvas_text(3, 2, COLOR_ORANGE, text);
    text_format(text, sizeof text, "Lv%d", shown.level);
    canvas_text(32, 2, COLOR_WHITE, text);
    canvas_text(60, 2, low ? COLOR_RED : COLOR_GREEN, "HP");
    canvas_fill(73, 3, 34, 6, COLOR_BORDER);
    canvas_fill(74, 4, 32, 4, COLOR_DARK);
    canvas_fill(74, 4, shown.hp_max ? 32 * shown.hp / shown.hp_max : 0, 4, low ? COLOR_RED : COLOR_GREEN);
    text_format(text, sizeof text, "%d/%d", shown.hp, shown.hp_max);
    canvas_text(110, 2, low ? COLOR_RED : COLOR_WHITE, text);
    text_format(text, sizeof text, "Belly %d", belly);
    canvas_text(156, 2, belly < 20 ? COLOR_RED : COLOR_WHITE, text);
    text_format(text, sizeof text, "%dc", money);
    canvas_text(239 - text_width(text), 3, COLOR_YELLOW, text);
}

static void set_camera(void)
{
    const struct entity *entity = leader();
    dungeon->camera_mirror = dungeon->camera;
    dungeon->camera_pixel_mirror = dungeon->camera_pixel;
    dungeon->camera_pixel = (struct tile_position){(entity->pixel.x >> 8) - 120, (entity->pixel.y >> 8) - 96};
}

void render_floor(void)
{
    set_camera();
    int camera_x = dungeon->camera_pixel.x, camera_y = dungeon->camera_pixel.y;
    sprites_clear();
    draw_effects(camera_x, camera_y);
    draw_creatures(camera_x, camera_y);
    draw_items(camera_x, camera_y);
    draw_tiles(camera_x, camera_y);
}

void render_overlay(void)
{
    draw_status_line();
    minimap_draw();
    message_tick();
}

static boolean walks(const struct entity *entity)
{
    struct pixel_position rest = pixel_of_tile(entity->position);
    return entity->pixel.x != rest.x || entity->pixel.y != rest.y;
}

void animate_steps(void)
{
    boolean seen = 0;
    struct pixel_position from[ACTIVE_MAX];
    for (int index = 0; index < ACTIVE_MAX && dungeon->active[index]; index++) {
        struct entity *entity = dungeon->active[index];
        from[index] = entity->pixel;
        if (walks(entity) && (entity == leader() || in_sight(leader_position, entity->position) ||
                              in_sight(leader_position, entity->previous)))
            seen = 1;
    }
    for (int frame = 1; frame <= STEP_FRAMES; frame++) {
        for (int index = 0; index < ACTIVE_MAX && dungeon->active[index]; index++) {
            struct entity *entity = dungeon->active[index];
            struct pixel_position rest = pixel_of_tile(entity->position);
            boolean moving = from[index].x != rest.x || from[index].y != rest.y;
            entity->pixel.x = from[index].x + (rest.x - from[index].x) * frame / STEP_FRAMES;
            entity->pixel.y = from[index].y + (rest.y - from[index].y) * frame / STEP_FRAMES;
            entity->animation_timer = moving && seen && frame < STEP_FRAMES ? frame + 4 * (entity->position.x & 1) : 0;
        }
        if (seen && frame < STEP_FRAMES)
            frame_wait();
    }
}

void animate_lunge(struct entity *entity, int direction)
{
    struct pixel_position rest = pixel_of_tile(entity->position);
    for (int frame = 1; frame <= LUNGE_FRAMES; frame++) {
        entity->pixel.x = rest.x + (direction_x[direction] * frame * 3 << 8);
        entity->pixel.y = rest.y + (direction_y[direction] * frame * 3 << 8);
        entity->animation_timer = 4;
        frame_wait();
    }
}

void animate_recoil(struct entity *entity)
{
    struct pixel_position rest = pixel_of_tile(entity->position), from = entity->pixel;
    for (int frame = 1; frame <= LUNGE_FRAMES; frame++) {
        entity->pixel.x = from.x + (rest.x - from.x) * frame / LUNGE_FRAMES;
        entity->pixel.y = from.y + (rest.y - from.y) * frame / LUNGE_FRAMES;
        if (frame < LUNGE_FRAMES)
            frame_wait();
    }
    entity->animation_timer = 0;
}

void animate_fade(int from, int to, int frames)
{
    for (int frame = 1; frame <= frames; frame++) {
        video_fade(from + (to - from) * frame / frames);
        dungeon_brightness = 31 - video_fade_level() * 31 / FADE_BLACK;
        frame_wait();
    }
}
