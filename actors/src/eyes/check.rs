//! Memory against picture: what both say of the same frame must be the same. Where it is not, again and again, the profile is
//! probably not that of the game.
//!
//! Invariants: a value that the reader is not sure of is never compared; one frame, or a few, never raise an alarm; a game draws a
//! frame or two after its memory changed, so a picture may also show what memory said when it was compared last.

use reader::{Ground, Hud, Reading, Scene};
use wire::observation::{MenuKind, Observation, Position, Screen, Terrain};

/// How sure the reader must be of a value for it to count against memory.
const SURE: f32 = 0.9;
/// Disagreements in a row on the same thing before somebody is told, and agreements before that is taken back.
const IN_A_ROW: u32 = 6;
/// Tiles in view that may be read wrongly in a picture that agrees.
const TILES_WRONG_MAX: usize = 3;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Matter {
    Screen,
    Floor,
    HitPoints,
    HitPointsMax,
    Belly,
    Level,
    Money,
    Place,
    Ground,
    Company,
}

impl Matter {
    /// Everything.
    pub const ALL: [Matter; 10] = [
        Matter::Screen,
        Matter::Floor,
        Matter::HitPoints,
        Matter::HitPointsMax,
        Matter::Belly,
        Matter::Level,
        Matter::Money,
        Matter::Place,
        Matter::Ground,
        Matter::Company,
    ];

    fn is_many(self) -> bool {
        matches!(self, Matter::HitPoints | Matter::HitPointsMax)
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Matter::Screen => "the screen",
            Matter::Floor => "the floor",
            Matter::HitPoints => "the hit points",
            Matter::HitPointsMax => "the hit points when well",
            Matter::Belly => "the belly",
            Matter::Level => "the level",
            Matter::Money => "the money",
            Matter::Place => "the leader's place",
            Matter::Ground => "the ground in view",
            Matter::Company => "who is in view",
        }
    }
}

/// What memory and picture say of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub matter: Matter,
    /// Whether they say the same.
    pub agrees: bool,
    /// What memory says.
    pub memory: String,
    /// What the picture says.
    pub picture: String,
}

/// Something to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They do not agree.
    Alarm(Finding),
    /// They agree again.
    Clear(Matter),
}

/// What was compared so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Pictures that were compared.
    pub pictures: u64,
    /// Values that were compared.
    pub values: u64,
    /// Values that differed.
    pub differing: u64,
    /// Pictures that were not read, because the game went on faster.
    pub skipped: u64,
    /// Alarms raised.
    pub alarms: u64,
}

/// How it stands with one matter.
#[derive(Clone, Debug, Default)]
struct Row {
    /// How often in a row it differed, and how often it agreed.
    differing: u32,
    agreeing: u32,
    /// Whether an alarm is on.
    is_on: bool,
    /// What memory said last.
    memory: String,
}

/// Compares, and tells what goes on.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    rows: [Row; Matter::ALL.len()],
    tally: Tally,
}

impl Comparison {
    /// What was compared so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// A picture was not read.
    pub fn skip(&mut self) {
        self.tally.skipped += 1;
    }

    /// Takes what both say of one frame; gives what is to be told.
    pub fn weigh(&mut self, findings: &[Finding]) -> Vec<Verdict> {
        self.tally.pictures += 1;
        let mut verdicts = Vec::new();
        for finding in findings {
            self.tally.values += 1;
            let place =
                Matter::ALL.iter().position(|matter| *matter == finding.matter).expect("every matter is listed");
            let row = &mut self.rows[place];
            let shows_what_was = finding.picture == row.memory;
            row.memory.clone_from(&finding.memory);
            if finding.agrees || shows_what_was {
                row.differing = 0;
                row.agreeing += 1;
                if row.is_on && row.agreeing >= IN_A_ROW {
                    row.is_on = false;
                    verdicts.push(Verdict::Clear(finding.matter));
                }
            } else {
                self.tally.differing += 1;
                row.agreeing = 0;
                row.differing += 1;
                if !row.is_on && row.differing >= IN_A_ROW {
                    row.is_on = true;
                    self.tally.alarms += 1;
                    verdicts.push(Verdict::Alarm(finding.clone()));
                }
            }
        }
        verdicts
    }
}

/// The one line for a person.
pub fn alarm_text(finding: &Finding) -> String {
    let Finding { matter, memory, picture, .. } = finding;
    format!(
        "{} {} between memory ({memory}) and picture ({picture}), {IN_A_ROW} times in a row; is the profile that of this \
         game? `agent ram` shows how its memory is read",
        matter.name(),
        if matter.is_many() { "differ" } else { "differs" }
    )
}

/// Compares what memory and picture say of the same frame; what the reader is not sure of is left out.
pub fn compare(seen: &Observation, reading: &Reading) -> Vec<Finding> {
    let mut findings = Vec::new();
    if reading.scene.confidence < SURE {
        return findings;
    }
    if let Some(screens) = screens_of(reading.scene.value)
        && seen.screen != Screen::Unknown
    {
        findings.push(Finding {
            matter: Matter::Screen,
            agrees: screens(seen.screen),
            memory: wire::skill::facts::screen_name(seen.screen).to_owned(),
            picture: format!("{:?}", reading.scene.value).to_lowercase(),
        });
    }
    if !matches!(reading.scene.value, Scene::Floor) {
        return findings;
    }
    if let Some(hud) = reading.hud.filter(|hud| hud.confidence >= SURE) {
        compare_figures(seen, &hud, &mut findings);
    }
    // Ground and company mean nothing where the picture moves or the place is not sure.
    let place = reading.minimap.as_ref().and_then(|minimap| minimap.leader).filter(|dot| dot.confidence >= SURE);
    let (Some(place), true) = (place.map(|place| place.value), reading.is_still()) else { return findings };
    let own = seen.leader().map(|leader| leader.position);
    let text =
        |place: Option<Position>| place.map_or("nowhere".to_owned(), |it| format!("column {} row {}", it.x, it.y));
    findings.push(Finding {
        matter: Matter::Place,
        agrees: own == Some(place),
        memory: text(own),
        picture: text(Some(place)),
    });
    if own == Some(place) && seen.screen == Screen::Command {
        findings.extend(compare_ground(seen, reading, place));
        findings.push(compare_company(seen, reading, place));
    }
    findings
}

fn screens_of(scene: Scene) -> Option<fn(Screen) -> bool> {
    Some(match scene {
        // Between scenes both take a moment.
        Scene::Dark | Scene::End => return None,
        Scene::Title => |screen| screen == Screen::Title,
        Scene::Floor => |screen| matches!(screen, Screen::Command | Screen::Motion),
        Scene::Menu | Scene::Page => |screen| matches!(screen, Screen::Menu(_) | Screen::Motion),
        Scene::Log => |screen| screen == Screen::Menu(MenuKind::Log),
        Scene::FloorMap => |screen| screen == Screen::FloorMap,
        Scene::Dialogue => |screen| matches!(screen, Screen::Dialogue | Screen::Printing),
        Scene::Choice => |screen| matches!(screen, Screen::Choice | Screen::Printing),
    })
}

fn compare_figures(seen: &Observation, hud: &Hud, findings: &mut Vec<Finding>) {
    let leader = seen.leader();
    let hp = leader.and_then(|leader| leader.hp);
    let figures = [
        (Matter::Floor, Some(seen.floor.into()), i32::from(hud.floor)),
        (Matter::HitPoints, hp.map(|hp| hp.value), hud.hp),
        (Matter::HitPointsMax, hp.map(|hp| hp.max), hud.hp_max),
        (Matter::Belly, Some(seen.belly.value), hud.belly),
        (Matter::Level, leader.map(|leader| leader.level.into()), i32::from(hud.level)),
        (Matter::Money, Some(seen.money), hud.money),
    ];
    for (matter, memory, picture) in figures {
        let agrees = memory == Some(picture);
        let memory = memory.map_or("nothing".to_owned(), |value| value.to_string());
        findings.push(Finding { matter, agrees, memory, picture: picture.to_string() });
    }
}

fn compare_ground(seen: &Observation, reading: &Reading, place: Position) -> Option<Finding> {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for cell in reading.cells.iter().filter(|cell| cell.ground.confidence >= SURE) {
        let place = Position { x: place.x + i16::from(cell.dx), y: place.y + i16::from(cell.dy) };
        let Some(tile) = seen.tile(place) else { continue };
        let expected = match cell.ground.value {
            Ground::Hidden | Ground::Askew => continue,
            Ground::Unseen => Terrain::Unknown,
            Ground::Wall => Terrain::Wall,
            Ground::Water => Terrain::Secondary,
            Ground::Floor | Ground::Stairs | Ground::Trap => Terrain::Floor,
        };
        compared += 1;
        if tile.terrain != expected {
            wrong.push(format!("{:?} at {} {}", tile.terrain, place.x, place.y));
        }
    }
    (compared > 0).then(|| Finding {
        matter: Matter::Ground,
        agrees: wrong.len() <= TILES_WRONG_MAX,
        memory: wrong.first().cloned().unwrap_or_default().to_lowercase(),
        picture: format!("{} of {compared} tiles otherwise", wrong.len()),
    })
}

/// Wild ones and strangers alone: the team is hidden below others now and then.
fn compare_company(seen: &Observation, reading: &Reading, place: Position) -> Finding {
    let looked_at = |cell: &&reader::Cell| {
        cell.being.confidence >= SURE && !matches!(cell.ground.value, Ground::Hidden | Ground::Askew)
    };
    let mut memory = Vec::new();
    let mut picture = Vec::new();
    for cell in reading.cells.iter().filter(looked_at) {
        let place = Position { x: place.x + i16::from(cell.dx), y: place.y + i16::from(cell.dy) };
        if let Some(other) = seen.monster_at(place) {
            memory.push((place, other.species as u8));
        }
        if let Some(being) = cell.being.value {
            picture.push((place, being.species));
        }
    }
    let text = |all: &[(Position, u8)]| match all.len() {
        0 => "nobody".to_owned(),
        count => format!("{count}, the first of species {} at column {} row {}", all[0].1, all[0].0.x, all[0].0.y),
    };
    Finding { matter: Matter::Company, agrees: memory == picture, memory: text(&memory), picture: text(&picture) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(agrees: bool) -> Finding {
        Finding { matter: Matter::HitPoints, agrees, memory: "23".to_owned(), picture: "12".to_owned() }
    }

    #[test]
    fn only_disagreement_in_a_row_raises_an_alarm_and_agreement_takes_it_back() {
        let mut comparison = Comparison::default();
        for _ in 0..20 {
            for _ in 1..IN_A_ROW {
                assert_eq!(comparison.weigh(&[finding(false)]), []);
            }
            assert_eq!(comparison.weigh(&[finding(true)]), []);
        }
        for _ in 1..IN_A_ROW {
            assert_eq!(comparison.weigh(&[finding(false)]), []);
        }
        assert_eq!(comparison.weigh(&[finding(false)]), [Verdict::Alarm(finding(false))]);
        assert_eq!(comparison.weigh(&[finding(false)]), [], "it is said once");
        for _ in 1..IN_A_ROW {
            assert_eq!(comparison.weigh(&[finding(true)]), []);
        }
        assert_eq!(comparison.weigh(&[finding(true)]), [Verdict::Clear(Matter::HitPoints)]);
        assert_eq!(comparison.tally().alarms, 1);
        assert!(alarm_text(&finding(false)).contains("the hit points differ between memory (23) and picture (12)"));
    }

    #[test]
    fn a_picture_that_shows_what_memory_said_last_does_not_differ() {
        let says = |memory: &str, picture: &str| Finding {
            matter: Matter::Belly,
            agrees: memory == picture,
            memory: memory.to_owned(),
            picture: picture.to_owned(),
        };
        let mut comparison = Comparison::default();
        for (memory, picture) in [("100", "100"), ("99", "100"), ("98", "99"), ("98", "98"), ("97", "99")] {
            comparison.weigh(&[says(memory, picture)]);
        }
        assert_eq!((comparison.tally().values, comparison.tally().differing), (5, 1));
    }

    #[test]
    fn what_the_reader_is_not_sure_of_never_counts() {
        let hud = Hud { floor: 3, level: 1, hp: 10, hp_max: 38, belly: 90, money: 5, confidence: 0.5 };
        let scene = reader::Sure { value: Scene::Floor, confidence: 0.99 };
        let reading = Reading { scene, hud: Some(hud), ..Reading::default() };
        let seen = Observation { screen: Screen::Command, floor: 2, ..Observation::default() };
        let matters: Vec<Matter> = compare(&seen, &reading).iter().map(|finding| finding.matter).collect();
        assert_eq!(matters, [Matter::Screen]);
        let sure = Reading { hud: Some(Hud { confidence: 0.95, ..hud }), ..reading.clone() };
        let floor = compare(&seen, &sure).into_iter().find(|finding| finding.matter == Matter::Floor);
        assert!(floor.is_some_and(|floor| !floor.agrees));
        let unsure = Reading { scene: reader::Sure { value: Scene::Title, confidence: 0.4 }, ..sure };
        assert_eq!(compare(&seen, &unsure), []);
    }
}
