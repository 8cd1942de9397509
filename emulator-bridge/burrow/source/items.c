#include "items.h"
#include "art.h"
#include "random.h"
#include "text.h"

// The first 0x20 bytes of an entry follow the shared layout: name, prices, category, description, action type.
struct item_record {
    const char *name;
    s32 buy, sell;
    u8 category, padding_D[3];
    const char *description;
    u8 padding_14[4];
    u8 weight, padding_19[5], action_type, padding_1F;
};
_Static_assert(sizeof(struct item_record) == 0x20, "item record");

enum { CATEGORY_THROWN = 0, CATEGORY_SEED = 2, CATEGORY_FOOD = 3, CATEGORY_MONEY = 6, CATEGORY_JAR = 9 };
enum { PILE_MAX = 99 };

static const struct item_record records[ITEM_ID_COUNT] = {
    [ITEM_PEBBLES] = {"Pebbles", 4, 1, CATEGORY_THROWN, {0}, "Throw them to hurt\na foe from afar.", {0}, 14, {0}, ACTION_THROW_STRAIGHT, 0},
    [ITEM_CLEAR_SEED] = {"Clear Seed", 30, 10, CATEGORY_SEED, {0}, "Cures sleep and\npoison.", {0}, 5, {0}, ACTION_EAT, 0},
    [ITEM_DEWBERRY] = {"Dewberry", 50, 15, CATEGORY_SEED, {0}, "Heals wounds.\nSweet and cold.", {0}, 17, {0}, ACTION_EAT, 0},
    [ITEM_SUNBERRY] = {"Sunberry", 120, 40, CATEGORY_SEED, {0}, "Heals all wounds and\nwarms the belly.", {0}, 4, {0}, ACTION_EAT, 0},
    [ITEM_PHOENIX_SEED] = {"Phoenix Seed", 400, 150, CATEGORY_SEED, {0}, "In the bag, it wakes\nwho would faint.", {0}, 2, {0}, ACTION_EAT, 0},
    [ITEM_DUST_SEED] = {"Dust Seed", 40, 12, CATEGORY_SEED, {0}, "Throw it: a foe loses\nsight of you.", {0}, 5, {0}, ACTION_EAT, 0},
    [ITEM_HEART_SEED] = {"Heart Seed", 300, 100, CATEGORY_SEED, {0}, "Makes one hardier\nfor good.", {0}, 3, {0}, ACTION_EAT, 0},
    [ITEM_POPPY_SEED] = {"Poppy Seed", 40, 12, CATEGORY_SEED, {0}, "Throw it: a foe\nfalls asleep.", {0}, 7, {0}, ACTION_EAT, 0},
    [ITEM_HOP_SEED] = {"Hop Seed", 60, 20, CATEGORY_SEED, {0}, "Hops somewhere else\non this floor.", {0}, 6, {0}, ACTION_EAT, 0},
    [ITEM_EMBER_SEED] = {"Ember Seed", 80, 25, CATEGORY_SEED, {0}, "Bite it, and fire\nburns the foe ahead.", {0}, 7, {0}, ACTION_EAT, 0},
    [ITEM_TURNIP] = {"Turnip", 40, 12, CATEGORY_FOOD, {0}, "Fills the belly\nby half.", {0}, 9, {0}, ACTION_EAT, 0},
    [ITEM_BIG_TURNIP] = {"Big Turnip", 90, 30, CATEGORY_FOOD, {0}, "Fills the belly\nto the brim.", {0}, 4, {0}, ACTION_EAT, 0},
    [ITEM_COINS] = {"Coins", 1, 1, CATEGORY_MONEY, {0}, "Somebody lost them.", {0}, 20, {0}, ACTION_NOTHING, 0},
    [ITEM_FIREFLY_JAR] = {"Firefly Jar", 150, 50, CATEGORY_JAR, {0}, "Let them out: they\nlight up the floor.", {0}, 4, {0}, ACTION_USE_JAR, 0},
};

const void *item_table(void)
{
    return records;
}

const char *item_name(int id)
{
    return id > 0 && id < ITEM_ID_COUNT && records[id].name ? records[id].name : "Thing";
}

const char *item_description(int id)
{
    return id > 0 && id < ITEM_ID_COUNT && records[id].description ? records[id].description : "";
}

void item_label(char *out, int bytes, struct item item)
{
    if (item.id == ITEM_PEBBLES)
        text_format(out, bytes, "%d %s%s", item.quantity, item_name(item.id), item.flags & ITEM_SET ? " *" : "");
    else
        text_copy(out, bytes, item_name(item.id));
}

boolean item_is_food(int id)
{
    return id == ITEM_TURNIP || id == ITEM_BIG_TURNIP;
}

int item_picture(int id)
{
    for (int index = 0; index < ITEM_PICTURE_COUNT; index++)
        if (item_picture_ids[index] == id)
            return index;
    return 0;
}

int coins_amount(int index)
{
    return 4 + 2 * index;
}

int item_for_floor(void)
{
    int total = 0;
    for (int id = 1; id < ITEM_ID_COUNT; id++)
        total += records[id].weight;
    int draw = random_below(total), id = 1;
    while ((draw -= records[id].weight) >= 0)
        id++;
    return id;
}

int bag_count(void)
{
    int count = 0;
    while (count < BAG_MAX && bag[count].flags & ITEM_EXISTS)
        count++;
    return count;
}

boolean bag_add(struct item item)
{
    item.flags = ITEM_EXISTS;
    int pile = item.id == ITEM_PEBBLES ? bag_find(ITEM_PEBBLES) : -1;
    if (pile >= 0) {
        int total = bag[pile].quantity + item.quantity;
        bag[pile].quantity = total > PILE_MAX ? PILE_MAX : total;
        return 1;
    }
    int slot = bag_count();
    if (slot == BAG_MAX)
        return 0;
    if (item.id == ITEM_PEBBLES)
        item.flags |= ITEM_SET;
    bag[slot] = item;
    return 1;
}

void bag_take_one(int slot)
{
    if (bag[slot].id == ITEM_PEBBLES && bag[slot].quantity > 1) {
        bag[slot].quantity--;
        return;
    }
    for (; slot + 1 < BAG_MAX; slot++)
        bag[slot] = bag[slot + 1];
    bag[BAG_MAX - 1] = (struct item){0};
}

int bag_find(int id)
{
    for (int slot = 0; slot < bag_count(); slot++)
        if (bag[slot].id == id)
            return slot;
    return -1;
}
