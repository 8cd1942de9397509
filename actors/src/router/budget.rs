//! What models may cost in an hour: tokens, money, calls.
//!
//! Before a call its estimate is set aside; after it what it took is put in its place. So no hour, whenever it begins, takes
//! more than its limit, but for what an estimate was too low by. Time comes in.

use std::collections::VecDeque;

/// The hour is counted in so many pieces; what was used counts for an hour and at most one of them longer.
const PIECES: u64 = 60;
const PIECE_MS: u64 = 3_600_000 / PIECES;
/// A budget that was used up is open again once no more than this share of it is used.
const BACK_SHARE: f64 = 0.9;

/// Tokens, money and calls. As a limit, 0 means none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Expense {
    /// Tokens of prompts and answers.
    pub tokens: u64,
    /// Money, by the tiers' prices.
    pub money: f64,
    /// Calls.
    pub calls: u64,
}

impl Expense {
    fn plus(self, other: Expense) -> Expense {
        Expense {
            tokens: self.tokens.saturating_add(other.tokens),
            money: self.money + other.money,
            calls: self.calls.saturating_add(other.calls),
        }
    }

    fn minus(self, other: Expense) -> Expense {
        Expense {
            tokens: self.tokens.saturating_sub(other.tokens),
            money: (self.money - other.money).max(0.0),
            calls: self.calls.saturating_sub(other.calls),
        }
    }

    /// What of this is more than a share of the limit.
    fn beyond(self, limit: Expense, share: f64) -> Option<&'static str> {
        let is_beyond = |used: f64, most: f64| most > 0.0 && used > most * share;
        match () {
            () if is_beyond(self.tokens as f64, limit.tokens as f64) => Some("tokens"),
            () if is_beyond(self.money, limit.money) => Some("money"),
            () if is_beyond(self.calls as f64, limit.calls as f64) => Some("calls"),
            () => None,
        }
    }
}

/// What is set aside for a call under way.
#[derive(Debug)]
#[must_use = "what is set aside stays so until it is settled"]
pub struct Reserved {
    piece: u64,
    estimate: Expense,
}

/// What somebody should be told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Of this there is no more for now.
    RanOut(&'static str),
    /// There is again.
    Back(&'static str),
}

/// What was used in the last hour.
#[derive(Debug)]
pub struct Budget {
    limit: Expense,
    pieces: VecDeque<(u64, Expense)>,
    ran_out: Option<&'static str>,
}

impl Budget {
    /// A budget with this limit for any hour.
    pub fn new(limit: Expense) -> Budget {
        Budget { limit, pieces: VecDeque::new(), ran_out: None }
    }

    /// Sets aside for a call what it may take, and says what is news.
    ///
    /// # Errors
    /// What there is not enough of.
    pub fn reserve(&mut self, now_ms: u64, estimate: Expense) -> (Result<Reserved, &'static str>, Option<News>) {
        let piece = self.advance(now_ms);
        let used = self.used();
        if let Some(what) = used.plus(estimate).beyond(self.limit, 1.0) {
            let news = self.ran_out.is_none().then_some(News::RanOut(what));
            self.ran_out = self.ran_out.or(Some(what));
            return (Err(what), news);
        }
        // Close to the limit small calls would fit and large ones not: it is either out or back.
        if let Some(what) = self.ran_out.filter(|_| used.beyond(self.limit, BACK_SHARE).is_some()) {
            return (Err(what), None);
        }
        let news = self.ran_out.take().map(News::Back);
        self.change(piece, |used| used.plus(estimate));
        (Ok(Reserved { piece, estimate }), news)
    }

    /// Puts what a call took in the place of what was set aside for it.
    pub fn settle(&mut self, reserved: Reserved, taken: Expense) {
        self.change(reserved.piece, |used| used.minus(reserved.estimate).plus(taken));
    }

    /// What was used in the last hour, and what is set aside.
    pub fn used(&self) -> Expense {
        self.pieces.iter().fold(Expense::default(), |sum, (_, used)| sum.plus(*used))
    }

    /// Forgets what is older than an hour. A clock that goes back stands still.
    fn advance(&mut self, now_ms: u64) -> u64 {
        let newest = self.pieces.back().map_or(0, |(piece, _)| *piece);
        let now = (now_ms / PIECE_MS).max(newest);
        while self.pieces.front().is_some_and(|(piece, _)| piece + PIECES < now) {
            self.pieces.pop_front();
        }
        if self.pieces.is_empty() || newest < now {
            self.pieces.push_back((now, Expense::default()));
        }
        now
    }

    /// What is of a piece that is forgotten is forgotten with it.
    fn change(&mut self, piece: u64, change: impl FnOnce(Expense) -> Expense) {
        if let Some((_, used)) = self.pieces.iter_mut().rev().find(|(other, _)| *other == piece) {
            *used = change(*used);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::random::SplitMix64;

    const MINUTE_MS: u64 = 60_000;

    fn tokens(tokens: u64) -> Expense {
        Expense { tokens, calls: 1, ..Expense::default() }
    }

    #[test]
    fn a_budget_that_runs_out_is_said_once_and_so_is_its_return() {
        let mut budget = Budget::new(tokens(0).plus(Expense { tokens: 100, calls: 9, ..Expense::default() }));
        let (reserved, news) = budget.reserve(0, tokens(60));
        assert!(news.is_none());
        budget.settle(reserved.expect("there is enough"), tokens(95));
        for _ in 0..3 {
            let (refused, _) = budget.reserve(MINUTE_MS, tokens(50));
            assert_eq!(refused.err(), Some("tokens"));
        }
        assert!(budget.reserve(2 * MINUTE_MS, tokens(1)).0.is_err(), "95 of 100 are used: not back yet");
        let (reserved, news) = budget.reserve(61 * MINUTE_MS, tokens(50));
        assert!(reserved.is_ok());
        assert_eq!(news, Some(News::Back("tokens")));
    }

    #[test]
    fn the_first_refusal_is_news_and_the_next_is_not() {
        let mut budget = Budget::new(Expense { money: 1.0, ..Expense::default() });
        let dear = Expense { money: 2.0, ..Expense::default() };
        assert_eq!(budget.reserve(0, dear).1, Some(News::RanOut("money")));
        assert_eq!(budget.reserve(1, dear).1, None);
    }

    #[test]
    fn without_a_limit_nothing_runs_out() {
        let mut budget = Budget::new(Expense::default());
        assert!((0..1_000).all(|now| budget.reserve(now, tokens(1 << 40)).0.is_ok()));
    }

    #[test]
    fn no_hour_takes_more_than_its_limit() {
        let mut random = SplitMix64(6);
        let mut budget = Budget::new(Expense { tokens: 10_000, calls: 50, ..Expense::default() });
        let mut calls: Vec<(u64, u64)> = Vec::new();
        let mut now = 0;
        for _ in 0..20_000 {
            now += random.below(120_000) as u64;
            let estimate = random.below(900) as u64;
            if let (Ok(reserved), _) = budget.reserve(now, tokens(estimate)) {
                let taken = random.below(estimate as usize + 1) as u64;
                budget.settle(reserved, tokens(taken));
                calls.push((now, taken));
            }
            assert!(budget.pieces.len() <= PIECES as usize + 1);
        }
        assert!(calls.len() > 1_000, "only {} calls were let through", calls.len());
        for (begin, _) in &calls {
            let hour = calls.iter().filter(|(at, _)| (*begin..begin + 3_600_000).contains(at));
            let (count, sum) = hour.fold((0, 0), |(count, sum), (_, tokens)| (count + 1, sum + tokens));
            assert!(count <= 50 && sum <= 10_000, "{count} calls and {sum} tokens in the hour from {begin}");
        }
    }

    #[test]
    fn a_clock_that_goes_back_frees_nothing() {
        let mut budget = Budget::new(Expense { calls: 1, ..Expense::default() });
        assert!(budget.reserve(100 * MINUTE_MS, tokens(1)).0.is_ok());
        assert!(budget.reserve(0, tokens(1)).0.is_err());
        assert_eq!(budget.used().calls, 1);
    }
}
