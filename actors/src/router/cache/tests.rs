//! The cache, by itself.

use super::entry::entry_bytes;
use super::*;
use crate::router::situation::Class;
use wire::random::SplitMix64;

const BASE_MS: u64 = 10_000;

fn occasion(prompt: u64, situation: u64, picture: u64) -> Occasion {
    let situation = Situation { key: Hash(situation), world: Hash(situation), class: Class::Dungeon, is_known: true };
    Occasion { prompt: Hash(prompt), situation, picture }
}

fn verdict(skill: &str) -> Rc<Verdict> {
    Rc::new(Verdict { skill: skill.to_string(), tier: "t0".to_string(), ..Verdict::default() })
}

fn skill(found: Option<Rc<Verdict>>) -> Option<String> {
    found.map(|verdict| verdict.skill.clone())
}

/// What it weighs, counted anew.
fn recount(cache: &Cache) -> usize {
    cache.entries.values().map(|entry| entry_bytes(entry)).sum()
}

#[test]
fn the_time_an_answer_is_trusted_doubles_when_the_model_says_the_same_again() {
    assert_eq!(Class::Dungeon.trusted_ms(), BASE_MS);
    let mut cache = Cache::new(1 << 20, 0);
    let (mut now, mut trusted) = (0, BASE_MS);
    for _ in 0..10 {
        cache.learn(&occasion(1, 1, 0), verdict("fight"), now);
        assert!(cache.exact(Hash(1), now + trusted - 1).is_some());
        assert!(cache.exact(Hash(1), now + trusted).is_none());
        assert!(cache.similar(&occasion(2, 1, 0), 0, now + trusted).is_none());
        now += trusted;
        trusted = (trusted * 2).min(64 * BASE_MS);
    }
    cache.learn(&occasion(1, 1, 0), verdict("explore"), now);
    assert_eq!(skill(cache.exact(Hash(1), now + BASE_MS - 1)), Some("explore".to_string()));
    assert!(cache.exact(Hash(1), now + BASE_MS).is_none(), "another answer begins anew");
    assert_eq!(cache.len(), 1);
}

#[test]
fn what_is_said_again_while_it_is_trusted_is_not_trusted_longer() {
    let mut cache = Cache::new(1 << 20, 0);
    cache.learn(&occasion(1, 1, 0), verdict("fight"), 0);
    (0..10).for_each(|now| cache.learn(&occasion(now, 1, 0), verdict("fight"), now));
    assert!(cache.exact(Hash(1), 9 + BASE_MS).is_none());
}

#[test]
fn answers_that_say_the_same_in_one_situation_are_one_entry_with_several_pictures() {
    let mut cache = Cache::new(1 << 20, 2);
    cache.learn(&occasion(1, 7, 0), verdict("fight"), 0);
    cache.learn(&occasion(2, 7, 0xFF), verdict("fight"), 0);
    cache.learn(&occasion(3, 8, 0xFF00), verdict("fight"), 0);
    assert_eq!(cache.len(), 2, "another situation is another entry");
    assert!(cache.similar(&occasion(9, 7, 0b11), 0, 1).is_some());
    assert!(cache.similar(&occasion(9, 7, 0xFE), 0, 1).is_some());
    assert!(cache.similar(&occasion(9, 7, 0xF0), 0, 1).is_none());
    assert!(cache.similar(&occasion(9, 7, 0xFF00), 0, 1).is_none());
    assert!(cache.exact(Hash(1), 1).is_some() && cache.exact(Hash(2), 1).is_some());
}

#[test]
fn different_answers_to_pictures_that_are_unlike_live_side_by_side() {
    let mut cache = Cache::new(1 << 20, 4);
    cache.learn(&occasion(1, 7, 0), verdict("fight"), 0);
    cache.learn(&occasion(2, 7, 0xFFFF), verdict("explore"), 0);
    assert_eq!(skill(cache.similar(&occasion(9, 7, 1), 0, 1)), Some("fight".to_string()));
    assert_eq!(skill(cache.similar(&occasion(9, 7, 0xFFFE), 0, 1)), Some("explore".to_string()));
    cache.learn(&occasion(3, 7, 1), verdict("rest"), 2);
    assert_eq!(
        skill(cache.similar(&occasion(9, 7, 0), 0, 3)),
        Some("rest".to_string()),
        "it took the nearer one's place"
    );
    assert_eq!(cache.len(), 2);
}

#[test]
fn a_lower_tiers_answer_is_not_found_for_a_higher_one() {
    let mut cache = Cache::new(1 << 20, 4);
    cache.learn(&occasion(1, 7, 0), verdict("fight"), 0);
    assert!(cache.similar(&occasion(9, 7, 0), 1, 1).is_none());
    let higher = Verdict { level: 1, skill: "explore".to_string(), ..Verdict::default() };
    cache.learn(&occasion(2, 7, 0), Rc::new(higher), 0);
    assert_eq!(skill(cache.similar(&occasion(9, 7, 0), 1, 1)), Some("explore".to_string()));
}

#[test]
fn what_came_to_nothing_is_forgotten_in_its_situation_alone() {
    let mut cache = Cache::new(1 << 20, 0);
    for (prompt, situation) in [(1, 7), (2, 8)] {
        cache.learn(&occasion(prompt, situation, 0), verdict("fight"), 0);
    }
    cache.forget(Hash(7), &verdict("explore"));
    assert_eq!(cache.len(), 2);
    cache.forget(Hash(7), &verdict("fight"));
    assert!(cache.exact(Hash(1), 1).is_none() && cache.exact(Hash(2), 1).is_some());
    cache.forget(Hash(8), &verdict("fight"));
    assert_eq!((cache.len(), cache.bytes()), (0, 0));
    assert!(cache.by_prompt.is_empty() && cache.by_situation.is_empty() && cache.by_use.is_empty());
}

#[test]
fn what_was_not_used_for_longest_goes_first() {
    let mut cache = Cache::new(1 << 20, 0);
    cache.learn(&occasion(0, 0, 0), verdict("fight"), 0);
    let (one, roots) = (cache.bytes() - ROOTS_BYTES, ROOTS_BYTES);
    let mut cache = Cache::new(10 * one + roots, 0);
    for number in 0..10 {
        cache.learn(&occasion(number, number, 0), verdict("fight"), 0);
    }
    assert_eq!(cache.len(), 10);
    assert!(cache.exact(Hash(0), 1).is_some());
    cache.learn(&occasion(10, 10, 0), verdict("fight"), 0);
    assert!(cache.exact(Hash(0), 1).is_some() && cache.exact(Hash(1), 1).is_none());
}

/// Fills a cache at random and gives the most that it weighed.
fn churn(decisions: u64, limit: usize) -> (usize, Cache) {
    let mut random = SplitMix64(5);
    let mut cache = Cache::new(limit, 3);
    let mut most = 0;
    for now in 0..decisions {
        let (prompt, situation) = (random.bits() % (decisions / 2), random.bits() % (decisions / 8));
        let reason = "x".repeat(random.below(200));
        let skill = ["fight", "explore", "rest"][random.below(3)].to_string();
        let verdict = Verdict { skill, reason, arguments: "{\"steps\":4}".to_string(), ..Verdict::default() };
        cache.learn(&occasion(prompt, situation, random.bits() & 0xFFFF), Rc::new(verdict), now);
        cache.similar(&occasion(0, random.bits() % (decisions / 8), random.bits() & 0xFFFF), 0, now);
        cache.exact(Hash(random.bits() % decisions), now);
        most = most.max(cache.bytes());
    }
    (most, cache)
}

#[test]
fn the_cache_stays_within_its_bytes() {
    let limit = 1 << 20;
    let (most, cache) = churn(50_000, limit);
    assert!(most <= limit && most > limit * 9 / 10, "it weighed {most}");
    assert_eq!(cache.bytes(), recount(&cache) + ROOTS_BYTES);
    assert_eq!(cache.len(), cache.by_use.len());
    assert_eq!(cache.len(), cache.by_situation.len());
    assert!(cache.by_prompt.values().all(|name| cache.entries.contains_key(name)));
}
