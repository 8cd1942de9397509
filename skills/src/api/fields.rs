//! The tables that the API gives and takes.

/// A field of a table.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its type in Luau's words.
    pub kind: &'static str,
    /// What it means, for a person.
    pub meaning: &'static str,
}

/// A table of the API.
#[derive(Debug)]
pub struct Record {
    /// The name of its type.
    pub name: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
}

const fn field(name: &'static str, kind: &'static str, meaning: &'static str) -> Field {
    Field { name, kind, meaning }
}

/// Fields of an observation.
pub const FIELDS: &[Field] = &[
    field("frame", "number", "number of the frame"),
    field(
        "screen",
        "string",
        "what the game does with a key now: command, menu, map, dialogue, choice, printing, motion, transition, title, ground, elsewhere, unknown",
    ),
    field("phase", "string", "where the game is: title, playing, lost, won, unknown"),
    field("dungeon", "number", "dungeon number"),
    field("floor", "number", "floor, 0 outside dungeons"),
    field("last_floor", "number", "the dungeon's last floor"),
    field("turns", "number", "turns taken in this life"),
    field("turns_left", "number", "turns left on this floor"),
    field("weather", "number", "weather number"),
    field("money", "number", "money carried"),
    field("belly", "number", "belly"),
    field("max_belly", "number", "belly when full"),
    field("experience", "number", "the leader's experience points"),
    field("hp", "number", "the leader's hit points"),
    field("max_hp", "number", "hit points when well"),
    field("level", "number", "the leader's level"),
    field("x", "number", "the leader's column, 0 to 55"),
    field("y", "number", "the leader's row, 0 to 31"),
    field("facing", "Direction", "where the leader looks"),
    field("can_act", "boolean", "the leader is there and able to act"),
    field("is_turning", "boolean", "the game is in its turn-in-place mode"),
    field("is_ailing", "boolean", "the leader is poisoned or burning"),
    field("is_confused", "boolean", "the leader is not in control of its steps"),
    field("stairs", "Place?", "the stairs, when they are known"),
    field("message", "string", "the newest message of the log"),
    field("fruitless", "number", "acts in a row that did nothing"),
    field("unproductive", "number", "decisions on this floor since anything got better"),
    field("hurrying", "boolean", "time, food or ideas run out: straight to the stairs"),
    field("hardest_hit", "number", "the most hit points lately lost in one turn"),
    field("menu", "Menu?", "the open menu; nil unless screen is \"menu\""),
    field("dialogue", "Dialogue?", "the open text box; nil unless screen is dialogue, choice or printing"),
    field("foes", "{ Monster }", "wild ones in sight, nearest first"),
    field("strangers", "{ Monster }", "neutral ones in sight, nearest first"),
    field("allies", "{ Monster }", "team members in sight without the leader, nearest first"),
    field("items", "{ FloorItem }", "items in sight on the ground"),
    field("traps", "{ Trap }", "known traps"),
    field("bag", "{ BagItem }", "items in the bag"),
];

const USE: &str =
    "what it is good for: missile, heal, cure, revive, strengthen, disable, escape, burn, food, light, money, other";

/// All tables.
pub const TYPES: &[Record] = &[
    Record { name: "Observation", fields: FIELDS },
    Record { name: "Place", fields: &[field("x", "number", "column"), field("y", "number", "row")] },
    Record {
        name: "Monster",
        fields: &[
            field("slot", "number", "slot: 0 to 3 the team, 4 to 19 wild ones"),
            field("id", "number", "with the slot, its identity on this floor"),
            field("species", "number", "the game's species number"),
            field("level", "number", "level"),
            field("x", "number", "column"),
            field("y", "number", "row"),
            field("facing", "Direction", "where it looks"),
            field("distance", "number", "steps from the leader on an empty map"),
            field("is_asleep", "boolean", "it cannot act"),
            field("is_adjacent", "boolean", "it and the leader can strike each other"),
            field("is_confused", "boolean", "it is not in control of its steps"),
            field("is_ailing", "boolean", "it is poisoned or burning"),
            field("hp", "number?", "hit points, where a player can know them"),
            field("max_hp", "number?", "hit points when well, where a player can know them"),
        ],
    },
    Record {
        name: "FloorItem",
        fields: &[
            field("x", "number", "column"),
            field("y", "number", "row"),
            field("item", "number", "the game's item number"),
            field("quantity", "number", "how many"),
            field("in_shop", "boolean", "it belongs to a shop"),
            field("use", "string", USE),
        ],
    },
    Record {
        name: "Trap",
        fields: &[
            field("x", "number", "column"),
            field("y", "number", "row"),
            field("kind", "number", "the game's trap number"),
        ],
    },
    Record {
        name: "BagItem",
        fields: &[
            field("slot", "number", "slot, from 0"),
            field("item", "number", "the game's item number"),
            field("quantity", "number", "how many"),
            field("use", "string", USE),
            field("filling", "number?", "what it adds to the belly, for food"),
            field("is_sticky", "boolean", "it cannot be used"),
            field("is_set", "boolean", "it is set for throwing"),
        ],
    },
    Record {
        name: "Menu",
        fields: &[
            field("kind", "string", "main, list, log or naming"),
            field("cursor", "number", "index of the chosen entry"),
            field("page", "number", "page, from 0"),
            field("entries_per_page", "number", "entries on a full page, as far as the game says"),
            field("actions", "{ MenuAction }", "entries of a sub-menu"),
        ],
    },
    Record {
        name: "MenuAction",
        fields: &[
            field("action", "number", "the game's number for it, as in ACTION"),
            field("selectable", "boolean", "it can be chosen"),
        ],
    },
    Record {
        name: "Dialogue",
        fields: &[
            field("text", "string", "the text"),
            field("cursor", "number", "index of the chosen answer where there is a choice"),
        ],
    },
    Record {
        name: "Tile",
        fields: &[
            field("terrain", "string", "unknown, wall, floor, water or chasm"),
            field("is_revealed", "boolean", "it was seen on the map"),
            field("is_visited", "boolean", "the leader was in its room or next to it"),
            field("is_stairs", "boolean", "stairs are here, and known to be"),
            field("room", "number?", "room number; nil in corridors"),
        ],
    },
    Record {
        name: "Way",
        fields: &[field("direction", "Direction", "the first step"), field("distance", "number", "steps in all")],
    },
    Record {
        name: "Goal",
        fields: &[
            field("x", "number", "column"),
            field("y", "number", "row"),
            field("direction", "Direction", "the first step"),
            field("distance", "number", "steps in all"),
        ],
    },
    Record {
        name: "Reached",
        fields: &[
            field("x", "number", "column"),
            field("y", "number", "row"),
            field("distance", "number", "steps from the leader"),
        ],
    },
    Record {
        name: "PressOptions",
        fields: &[
            field("as", "string?", "key, menu or scene: how long it is held and waited for; key when left out"),
            field("expect", "string?", "what should come of it: turn, menu, cursor, text, scene or nothing"),
            field("name", "string?", "what is done, for a person"),
        ],
    },
    Record {
        name: "HoldOptions",
        fields: &[
            field("expect", "string?", "what should come of it: turn, menu, cursor, text, scene or nothing"),
            field("name", "string?", "what is done, for a person"),
        ],
    },
    Record {
        name: "PathOptions",
        fields: &[field("regardless", "boolean?", "through foes and over traps and stairs")],
    },
];
