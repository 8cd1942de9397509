// What lives in the burrow.
#ifndef BURROW_SPECIES_H
#define BURROW_SPECIES_H

#include "memory.h"

enum species_id { SPECIES_MOLE = 1, SPECIES_SHREW, SPECIES_RAT, SPECIES_BEETLE, SPECIES_MOTH, SPECIES_TOAD, SPECIES_GRUB,
                  SPECIES_ADDER, SPECIES_WEASEL, SPECIES_CENTIPEDE, SPECIES_IRONBACK, SPECIES_BADGER, SPECIES_END };

enum temper { TEMPER_CHASER, TEMPER_SLEEPER, TEMPER_FLUTTER, TEMPER_THROWER, TEMPER_BITER };

// The first 0x18 bytes follow the shared layout (name, body size, types, movement); the rest is ours. Growth is in
// quarters of a point a level.
struct species {
    const char *name;
    u8 padding_4[5], body_size, padding_A[9], types[2], movement, padding_16[2];
    u8 hp, hp_growth, attack, attack_growth, defence, defence_growth, speed, temper, experience, first_floor, last_floor,
        weight;
    u8 padding_24[0x24];
};
_Static_assert(sizeof(struct species) == 0x48, "species");

extern const struct species species_table[SPECIES_END];

const char *species_name(int species);
void monster_set_level(struct monster *monster, int level); // stats by species and level, full HP
int experience_for_level(int level);
int experience_for_defeat(const struct monster *monster);
int species_for_floor(int floor); // draws one by weight

#endif
