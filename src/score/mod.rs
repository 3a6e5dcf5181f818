//! From words to a place in the queue.
pub mod priority;

// TEMP
#[allow(missing_docs)] pub struct ScoreInput<'a>{pub text:&'a str,pub folded:&'a crate::text::Folded,pub lang_tags:&'a [String],pub kind:crate::model::PostKind,pub followers:Option<u64>}
#[allow(missing_docs)] #[derive(Default,Debug)] pub struct Scratch;
#[allow(missing_docs)] pub struct Scored{pub scores:crate::model::Scores,pub lang:&'static str}
#[allow(missing_docs)] pub trait Scorer: Send+Sync{fn score(&self,i:&ScoreInput<'_>,s:&mut Scratch)->Scored;}
