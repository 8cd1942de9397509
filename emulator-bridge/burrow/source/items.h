// The items: what they are called, and the bag.
#ifndef BURROW_ITEMS_H
#define BURROW_ITEMS_H

#include "memory.h"

enum item_id { ITEM_PEBBLES = 8, ITEM_CLEAR_SEED = 53, ITEM_DEWBERRY = 55, ITEM_SUNBERRY = 56, ITEM_PHOENIX_SEED = 58,
               ITEM_DUST_SEED = 59, ITEM_HEART_SEED = 62, ITEM_POPPY_SEED = 69, ITEM_HOP_SEED = 71,
               ITEM_EMBER_SEED = 72, ITEM_TURNIP = 82, ITEM_BIG_TURNIP = 83, ITEM_COINS = 105, ITEM_FIREFLY_JAR = 188,
               ITEM_ID_COUNT = 240 };

enum action { ACTION_NOTHING = 0x0, ACTION_PASS = 0x1, ACTION_WALK = 0x2, ACTION_PLACE = 0x8, ACTION_INFO = 0xC,
              ACTION_EAT = 0xD, ACTION_TALK = 0x13, ACTION_SUMMARY = 0x1B, ACTION_STEPPED_ON_TRAP = 0x25, ACTION_STAIRS = 0x26,
              ACTION_THROW_STRAIGHT = 0x27, ACTION_GIVE_UP = 0x2E, ACTION_USE_JAR = 0x31, ACTION_ATTACK = 0x32,
              ACTION_CANCEL = 0x39, ACTION_SET = 0x3C, ACTION_UNSET = 0x3D, ACTION_THROW_ARC = 0x41 };

const char *item_name(int id);
const char *item_description(int id);
void item_label(char *out, int bytes, struct item item);
boolean item_is_food(int id);
int item_picture(int id);
int coins_amount(int index);
int item_for_floor(void); // draws an item id by weight

int bag_count(void);
boolean bag_add(struct item item); // pebbles join their pile; false if there is no room
void bag_take_one(int slot);       // one piece of the slot; closes the gap
int bag_find(int id);              // slot, or -1
const void *item_table(void);

#endif
