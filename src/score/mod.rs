//! Scores: how a post feels, how soon somebody must act, what its author wants, how far the voice carries.
//!
//! Layer 1, pure: the same text always gives the same scores, and nothing is allocated once a [`Scratch`] is warm.
//! Only [`influence::Audience`] has a memory: of who engages with whom, and triage owns it.
//! A worker holds one [`Scorer`] and one `Scratch`. [`TrainedScorer`] is the daemon's; [`LexicalScorer`] is a part
//! of it, and a baseline. Priority (score, lane, factors) is made of these by `priority`.

mod aspect;
pub mod evaluation;
mod explanation;
pub mod features;
pub mod heads;
pub mod influence;
mod input;
mod lexicon;
pub mod priority;
mod scored;
mod scorer;

pub use aspect::{Aspect, Target, places_of, towards};
pub use explanation::{Clause, Contribution, Explanation, TargetWhy, Why};
pub use features::{LexicalScorer, grams};
pub use heads::{Reader, TrainedScorer, model, urgency_label};
pub use influence::{Engagement, influence};
pub use input::ScoreInput;
pub use scored::{Odds, Scored};
pub use scorer::{Scorer, Scratch};
