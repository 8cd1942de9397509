//! The functions of the API.

use super::Function;

const fn function(name: &'static str, signature: &'static str, meaning: &'static str) -> Function {
    Function { name, signature, meaning }
}

/// All functions, acts first.
pub const FUNCTIONS: &[Function] = &[
    function("step", "(direction: Direction, reason: string) -> string", "One step."),
    function(
        "face",
        "(direction: Direction, reason: string) -> string",
        "Turns towards a direction, in turn-in-place mode or where something blocks the way.",
    ),
    function(
        "attack",
        "(direction: Direction, reason: string) -> string",
        "Strikes ahead. The leader must face in this direction already.",
    ),
    function("pass_turn", "(reason: string) -> string", "Lets one turn pass."),
    function("throw_set", "(reason: string) -> string", "Throws the item that is set."),
    function("open_menu", "(reason: string) -> string", "Opens the main menu."),
    function("turn_in_place", "(reason: string) -> string", "Begins the turn-in-place mode."),
    function("stop_turning", "(reason: string) -> string", "Ends the turn-in-place mode."),
    function(
        "press",
        "(button: string, reason: string, options: PressOptions?) -> string",
        "Presses a button once, or several joined by `+`: A B SELECT START RIGHT LEFT UP DOWN R L.",
    ),
    function(
        "hold",
        "(buttons: string, frames: number, reason: string, options: HoldOptions?) -> string",
        "Holds buttons for 1 to 600 frames.",
    ),
    function("wait", "(frames: number?, reason: string?) -> string", "Presses nothing for 1 to 600 frames."),
    function(
        "checkpoint",
        "(reason: string) -> (boolean, string?)",
        "Keeps the game's state for this run. False and why, if that is not possible.",
    ),
    function(
        "restore",
        "(reason: string) -> (boolean, string?)",
        "Puts the game back to the state that was kept. False and why, if that is not possible.",
    ),
    function(
        "call",
        "(skill: string, arguments: { [string]: any }?) -> (boolean, string)",
        "Runs another skill, which must be in `[requires]`, as a part of this run. Whether it succeeded, and why.",
    ),
    function(
        "observe",
        "() -> Observation",
        "What is seen in this turn. The same table within one turn; a field that does not exist is an error.",
    ),
    function("goal", "(text: string) -> ()", "Says what the run is after."),
    function(
        "finish",
        "(outcome: \"success\" | \"failure\", reason: string) -> never",
        "Ends the run. A script that returns has succeeded.",
    ),
    function("note", "(...: any) -> ()", "Notes a text of at most 500 characters in the log, at most 20 a turn."),
    function("print", "(...: any) -> ()", "The same as `note`."),
    function(
        "random",
        "(n: number?) -> number",
        "A whole number from 1 to n, or without n a number of at least 0 and less than 1.",
    ),
    function("map.tile", "(x: number, y: number) -> Tile?", "A tile; nil outside the map."),
    function(
        "map.can_step",
        "(direction: Direction, x: number?, y: number?) -> boolean",
        "Whether a step from there, or from the leader, leads to a free tile that is known to be harmless.",
    ),
    function(
        "map.can_strike",
        "(x1: number, y1: number, x2: number, y2: number) -> boolean",
        "Whether somebody on the first place can strike at the second, next to it.",
    ),
    function("map.open_sides", "(x: number, y: number) -> number", "From how many sides a place can be struck."),
    function(
        "map.line",
        "(x1: number, y1: number, x2: number, y2: number) -> (Direction?, number?)",
        "Direction and distance, where a free straight line leads from the first place to the second.",
    ),
    function(
        "map.direction",
        "(x1: number, y1: number, x2: number, y2: number) -> Direction?",
        "The direction from a place to its neighbour.",
    ),
    function(
        "map.neighbour",
        "(x: number, y: number, direction: Direction) -> (number, number)",
        "The place next to another.",
    ),
    function(
        "map.distance",
        "(x1: number, y1: number, x2: number, y2: number) -> number",
        "Steps between two places on an empty map.",
    ),
    function(
        "path.to",
        "(x: number, y: number, options: PathOptions?) -> Way?",
        "The way from the leader to a place, around foes, known traps and stairs.",
    ),
    function(
        "path.distance",
        "(x1: number, y1: number, x2: number, y2: number) -> number?",
        "Steps from one place to another over the known map.",
    ),
    function("path.unknown", "(options: PathOptions?) -> Goal?", "The nearest tile that borders on the unknown."),
    function(
        "path.striking_place",
        "(x: number, y: number) -> Reached?",
        "The nearest place from which another can be struck.",
    ),
    function(
        "path.near",
        "(distance_max: number) -> { Reached }",
        "The places within so many steps of the leader, row by row, its own included.",
    ),
];
