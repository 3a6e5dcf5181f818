//! The smallest parts of a query that, by not holding, make it not hold.

use super::explanation::{Failed, SHOWN_MAX, Verdict};
use super::miss::NOT_FOUND;

/// The smallest parts that, by not holding, make the query not hold.
pub(super) fn blame(verdict: &Verdict, failed: &mut Vec<Failed>) {
    if verdict.holds {
        return;
    }
    match verdict.kind {
        "and" => verdict.operands.iter().for_each(|operand| blame(operand, failed)),
        "near" if verdict.why.is_none() => verdict.operands.iter().for_each(|operand| blame(operand, failed)),
        "or" => {
            let mut whys: Vec<(usize, String)> = verdict.operands.iter().filter_map(reason).collect();
            // The side that lacks least comes first.
            whys.sort_by_key(|(lacking, _)| *lacking);
            let whys: Vec<String> = whys.into_iter().take(SHOWN_MAX).map(|(_, why)| why).collect();
            let why = if whys.is_empty() { "none of these holds".to_owned() } else { whys.join("; ") };
            failed.push(Failed { query: verdict.query.clone(), why });
        }
        _ => {
            let why = verdict.why.clone().unwrap_or_else(|| "does not hold".to_owned());
            failed.push(Failed { query: verdict.query.clone(), why });
        }
    }
}

/// What an operand of an OR has to say, if it is more than that it was not found, and how many parts it lacks.
fn reason(operand: &Verdict) -> Option<(usize, String)> {
    if let Some(why) = &operand.why {
        return (why != NOT_FOUND).then(|| (1, format!("`{}`: {why}", operand.query)));
    }
    let mut failed = Vec::new();
    blame(operand, &mut failed);
    let is_near =
        operand.operands.iter().any(|part| part.holds) || failed.iter().any(|part| part.why != NOT_FOUND);
    let parts = failed.iter().take(SHOWN_MAX).map(|part| format!("`{}` {}", part.query, part.why));
    let parts: Vec<String> = parts.collect();
    is_near.then(|| (failed.len(), format!("`{}`: {}", operand.query, parts.join(", "))))
}
