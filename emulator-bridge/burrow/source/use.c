#include "use.h"
#include "fight.h"
#include "items.h"
#include "leader.h"
#include "message.h"
#include "random.h"
#include "render.h"
#include "sound.h"
#include "video.h"

enum { DEWBERRY_HEALS = 45, TURNIP_FILLS = 50, BIG_TURNIP_FILLS = 100, BERRY_FILLS = 5, EMBER_DAMAGE = 22,
       HEART_HP = 5, POPPY_TURNS = 8, DUST_TURNS = 12, EAT_FRAMES = 6 };

static void fill(struct monster *monster, int amount)
{
    monster->belly += amount;
    if (monster->belly >= monster->belly_max) {
        monster->belly = monster->belly_max;
        monster->belly_thousandths = 0;
    }
}

static void cure(struct monster *monster)
{
    monster->burn = BURN_NONE;
    monster->burn_turns = 0;
    monster->sleep = SLEEP_NONE;
    monster->sleep_turns = 0;
}

static void burn_ahead(struct entity *entity)
{
    int direction = monster_of(entity)->direction;
    struct entity *foe = monster_at(position_ahead(entity, direction));
    if (!is_monster(foe) || !are_foes(entity, foe) || !can_strike(entity, direction)) {
        message("Fire flares into the empty dark.");
        return;
    }
    effect_star(foe);
    hurt(foe, EMBER_DAMAGE + monster_of(entity)->level, entity, "Fire! %s takes %d damage.");
}

// The same for who eats it and for who is hit by it.
static void take_effect(struct entity *entity, int id)
{
    struct monster *monster = monster_of(entity);
    const char *name = name_of(entity);
    switch (id) {
    case ITEM_DEWBERRY:
        heal(entity, DEWBERRY_HEALS + monster->level);
        message("%s feels better.", name);
        break;
    case ITEM_SUNBERRY:
        heal(entity, monster->hp_max);
        message("%s feels as good as new.", name);
        break;
    case ITEM_CLEAR_SEED:
        cure(monster);
        message("%s's head is clear again.", name);
        break;
    case ITEM_HEART_SEED:
        monster->hp_max = monster->hp_max + HEART_HP > 999 ? 999 : monster->hp_max + HEART_HP;
        heal(entity, HEART_HP);
        message("%s became hardier.", name);
        break;
    case ITEM_POPPY_SEED:
        put_to_sleep(entity, POPPY_TURNS);
        break;
    case ITEM_DUST_SEED:
        monster->blinded = 1;
        monster->blinded_turns = DUST_TURNS;
        message(entity == leader() ? "%s sneezes. Nothing else." : "%s sees nothing but dust.", name);
        if (entity == leader())
            monster->blinded = 0;
        break;
    case ITEM_HOP_SEED:
        message("%s hops away!", name);
        warp_away(entity);
        break;
    default:
        message("Nothing happens.");
    }
}

static void eat(struct entity *entity, int id)
{
    struct monster *monster = monster_of(entity);
    monster->action = ACTION_EAT;
    sound_play(SOUND_EAT);
    message("%s eats: %s.", name_of(entity), item_name(id));
    for (int frame = 0; frame < EAT_FRAMES; frame++) {
        entity->height = (frame < 3 ? frame : 5 - frame) << 8;
        frame_wait();
    }
    entity->height = 0;
    if (item_is_food(id)) {
        fill(monster, id == ITEM_TURNIP ? TURNIP_FILLS : BIG_TURNIP_FILLS);
        message("%s's belly is %s.", name_of(entity), monster->belly >= monster->belly_max ? "full" : "fuller");
        return;
    }
    fill(monster, BERRY_FILLS);
    if (id == ITEM_EMBER_SEED)
        burn_ahead(entity);
    else
        take_effect(entity, id);
}

static void let_fireflies_out(struct entity *entity)
{
    monster_of(entity)->action = ACTION_USE_JAR;
    map_reveal_all();
    dungeon->stairs_shown = 1;
    message("Fireflies light up every tunnel!");
}

static boolean place(struct entity *entity, int slot)
{
    struct item item = bag[slot];
    if (tile_at(entity->position.x, entity->position.y)->object ||
        tile_at(entity->position.x, entity->position.y)->terrain & TERRAIN_STAIRS) {
        message("There is no room here.");
        return 0;
    }
    if (item.id == ITEM_PEBBLES)
        bag[slot].quantity = 1;
    bag_take_one(slot);
    item_place(item, entity->position);
    monster_of(entity)->action = ACTION_PLACE;
    message("%s puts down: %s.", name_of(entity), item_name(item.id));
    return 1;
}

boolean use_throw(struct entity *entity, int slot)
{
    int id = bag[slot].id, direction = monster_of(entity)->direction;
    waiting_end();
    if (id == ITEM_PEBBLES) {
        bag_take_one(slot);
        throw_pebble(entity, direction);
        return 1;
    }
    struct tile_position landing;
    struct item item = bag[slot];
    bag_take_one(slot);
    monster_of(entity)->action = ACTION_THROW_ARC;
    struct entity *target = fly(entity, direction, id, &landing);
    if (is_monster(target)) {
        effect_star(target);
        if (id == ITEM_EMBER_SEED)
            hurt(target, EMBER_DAMAGE / 2, entity, "A flash! %s takes %d damage.");
        else
            take_effect(target, id);
        return 1;
    }
    struct tile_position spot = free_tile_near(landing, 0);
    if (spot.x >= 0 && item_place(item, spot))
        message("The %s falls to the ground.", item_name(id));
    else
        message("The %s is lost.", item_name(id));
    return 1;
}

boolean use_item(struct entity *entity, int slot, int action)
{
    int id = bag[slot].id;
    switch (action) {
    case ACTION_EAT:
        waiting_end();
        bag_take_one(slot);
        eat(entity, id);
        return 1;
    case ACTION_USE_JAR:
        waiting_end();
        bag_take_one(slot);
        let_fireflies_out(entity);
        return 1;
    case ACTION_THROW_ARC:
    case ACTION_THROW_STRAIGHT:
        return use_throw(entity, slot);
    case ACTION_PLACE:
        return place(entity, slot);
    default:
        return 0;
    }
}
