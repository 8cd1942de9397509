#include "species.h"
#include "random.h"

enum { TYPE_NORMAL = 1, TYPE_WATER = 3, TYPE_POISON = 8, TYPE_GROUND = 9, TYPE_FLYING = 10, TYPE_BUG = 12,
       TYPE_ROCK = 13, TYPE_STEEL = 17 };

#define CREATURE(name_, type_, movement_, hp_, hpg_, atk_, atkg_, def_, defg_, speed_, temper_, exp_, from_, to_, weight_) \
    {.name = name_, .body_size = 1, .types = {type_}, .movement = movement_, .hp = hp_, .hp_growth = hpg_, \
     .attack = atk_, .attack_growth = atkg_, .defence = def_, .defence_growth = defg_, .speed = speed_, \
     .temper = temper_, .experience = exp_, .first_floor = from_, .last_floor = to_, .weight = weight_}

const struct species species_table[SPECIES_END] = {
    CREATURE("Nothing", 0, 0, 1, 0, 1, 0, 1, 0, SPEED_NORMAL, 0, 0, 0, 0, 0),
    CREATURE("Mole", TYPE_GROUND, MOVES_ON_GROUND, 38, 18, 10, 7, 5, 4, SPEED_NORMAL, 0, 0, 0, 0, 0),
    CREATURE("Shrew", TYPE_NORMAL, MOVES_ON_GROUND, 26, 14, 8, 6, 4, 4, SPEED_NORMAL, 0, 0, 0, 0, 0),
    CREATURE("Rat", TYPE_NORMAL, MOVES_ON_GROUND, 15, 6, 9, 5, 3, 2, SPEED_NORMAL, TEMPER_CHASER, 9, 1, 7, 10),
    CREATURE("Shellback", TYPE_BUG, MOVES_ON_GROUND, 24, 8, 12, 6, 7, 4, SPEED_SLOW, TEMPER_CHASER, 12, 2, 10, 8),
    CREATURE("Dustmoth", TYPE_FLYING, MOVES_IN_AIR, 9, 5, 7, 5, 1, 2, SPEED_FAST, TEMPER_FLUTTER, 8, 1, 12, 7),
    CREATURE("Toad", TYPE_WATER, MOVES_ON_WATER, 16, 7, 8, 5, 3, 2, SPEED_NORMAL, TEMPER_THROWER, 11, 3, 14, 7),
    CREATURE("Grub", TYPE_BUG, MOVES_ON_GROUND, 19, 6, 8, 5, 2, 2, SPEED_NORMAL, TEMPER_SLEEPER, 8, 1, 5, 9),
    CREATURE("Adder", TYPE_POISON, MOVES_ON_GROUND, 19, 7, 10, 5, 4, 3, SPEED_NORMAL, TEMPER_BITER, 13, 5, 14, 8),
    CREATURE("Weasel", TYPE_NORMAL, MOVES_ON_GROUND, 24, 8, 12, 5, 5, 3, SPEED_NORMAL, TEMPER_CHASER, 15, 8, 20, 9),
    CREATURE("Centipede", TYPE_BUG, MOVES_ON_GROUND, 27, 8, 12, 5, 6, 3, SPEED_NORMAL, TEMPER_BITER, 17, 10, 20, 8),
    CREATURE("Ironback", TYPE_STEEL, MOVES_ON_GROUND, 36, 9, 17, 6, 13, 5, SPEED_SLOW, TEMPER_CHASER, 20, 11, 20, 7),
    CREATURE("Badger", TYPE_GROUND, MOVES_ON_GROUND, 40, 10, 15, 6, 8, 4, SPEED_NORMAL, TEMPER_SLEEPER, 24, 13, 20, 6),
};

const char *species_name(int species)
{
    return species_table[species > 0 && species < SPECIES_END ? species : 0].name;
}

void monster_set_level(struct monster *monster, int level)
{
    const struct species *species = &species_table[monster->species];
    int steps = level - 1;
    monster->level = level;
    monster->hp_max = species->hp + species->hp_growth * steps / 4;
    monster->hp = monster->hp_original = monster->hp_max;
    monster->attack[0] = monster->attack[1] = species->attack + species->attack_growth * steps / 4;
    monster->defence[0] = monster->defence[1] = species->defence + species->defence_growth * steps / 4;
}

int experience_for_level(int level)
{
    return 7 * (level - 1) * (level + 2) * (40 + level) / 40;
}

int experience_for_defeat(const struct monster *monster)
{
    int base = species_table[monster->species].experience;
    return base + base * monster->level / 4;
}

int species_for_floor(int floor)
{
    int total = 0, species;
    for (species = SPECIES_RAT; species < SPECIES_END; species++)
        if (floor >= species_table[species].first_floor && floor <= species_table[species].last_floor)
            total += species_table[species].weight;
    int draw = random_below(total);
    for (species = SPECIES_RAT; species < SPECIES_END; species++) {
        if (floor < species_table[species].first_floor || floor > species_table[species].last_floor)
            continue;
        draw -= species_table[species].weight;
        if (draw < 0)
            break;
    }
    return species;
}
