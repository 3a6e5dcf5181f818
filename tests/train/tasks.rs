//! The heads of the model: what each learns from, and how that is checked.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use birddog::model::Scores;
use birddog::score::evaluation::Confusion;
use birddog::score::grams::ROWS;
use birddog::score::model::Head;
use birddog::score::{ScoreInput, Scorer as _, Scratch, TrainedScorer};
use birddog::text::Folded;

use crate::artefact::{logistic, with_lane};
use crate::data::Matrix;
use crate::figures::{confusion, line, trade};
use crate::labelled::{Labelled, read};
use crate::svm::{self, Plane};

/// Posts are dealt to this many parts for cross-validation.
const FOLDS: usize = 5;
/// No fold: in training always.
const BACKGROUND: usize = FOLDS;
/// Events that share a feature by which urgency is told.
const EVENTS_MIN: u8 = 2;
/// Every so manieth post of everyday life is background.
const BACKGROUND_STEP: usize = 12;
const LEVELS: [&str; 4] = ["Low", "Medium", "High", "Critical"];
const SENTIMENT: [&str; 3] = ["negative", "neutral", "positive"];
/// The languages of the 8 but English.
const LANGUAGES: [&str; 7] = ["arabic", "french", "german", "hindi", "italian", "portuguese", "spanish"];

/// What one head learns.
pub(crate) struct Task {
    pub(crate) head: Head,
    pub(crate) posts: Vec<Labelled>,
    /// Class of each post.
    pub(crate) labels: Vec<usize>,
    /// Part of each post in cross-validation; [`BACKGROUND`] posts are learned from, and nothing is judged by them.
    pub(crate) folds: Vec<usize>,
    /// How hard one example pulls; chosen on development data.
    cost: f32,
}

impl Task {
    fn new(head: Head, cost: f32, posts: Vec<Labelled>, class: impl Fn(&Labelled) -> Option<usize>) -> Self {
        let classed = posts.into_iter().filter_map(|post| class(&post).map(|class| (post, class)));
        let (posts, labels): (Vec<_>, Vec<_>) = classed.unzip();
        let folds = (0..posts.len()).map(|at| at % FOLDS).collect();
        Self { head, posts, labels, folds, cost }
    }

    /// Posts of other kinds that are of class 0, so that the head knows what the world is like.
    fn amid(mut self, background: impl Iterator<Item = Labelled>) -> Self {
        self.posts.extend(background);
        self.labels.resize(self.posts.len(), 0);
        self.folds.resize(self.posts.len(), BACKGROUND);
        self
    }

    /// Whole events in a fold, the largest dealt first: what is said of an event must not be learned from it.
    fn by_event(mut self) -> Self {
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        self.posts.iter().for_each(|post| *sizes.entry(&post.event).or_default() += 1);
        let mut events: Vec<(&str, usize)> = sizes.into_iter().collect();
        events.sort_by_key(|&(_, size)| Reverse(size));
        let mut filled = [0; FOLDS];
        let mut fold_of = BTreeMap::new();
        for (event, size) in events {
            let fold = (0..FOLDS).min_by_key(|&fold| filled[fold]).unwrap_or_default();
            filled[fold] += size;
            fold_of.insert(event, fold);
        }
        self.folds = self.posts.iter().map(|post| fold_of[post.event.as_str()]).collect();
        self
    }

    /// The level of a post in data of disasters.
    fn level(&self, at: usize) -> usize {
        LEVELS.iter().position(|level| *level == self.posts[at].label).unwrap_or_default()
    }

    /// Posts by which the head is judged.
    pub(crate) fn judged(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.posts.len()).filter(|&at| self.folds[at] != BACKGROUND)
    }

    /// Margins of every post by planes that did not see its fold; none of background.
    pub(crate) fn cross_validate(&self, matrix: &Matrix) -> Vec<Vec<f32>> {
        let mut margins = vec![Vec::new(); self.posts.len()];
        for fold in 0..FOLDS {
            let (held, kept): (Vec<usize>, Vec<usize>) =
                (0..self.posts.len()).partition(|&at| self.folds[at] == fold);
            let planes = self.train(matrix, &kept);
            for at in held {
                margins[at] = margins_of(&planes, matrix, at);
            }
        }
        margins
    }

    pub(crate) fn train(&self, matrix: &Matrix, examples: &[usize]) -> Vec<Plane> {
        let labels: Vec<usize> = examples.iter().map(|&at| self.labels[at]).collect();
        let common = (self.head == Head::Urgency).then(|| self.common(matrix, examples));
        svm::train(matrix, examples, &labels, self.head.lanes().max(2), self.cost, common.as_deref())
    }

    /// 1 for rows that stand in posts of several events, else 0: names of places and storms tell an event, and not how
    /// urgent a post is.
    fn common(&self, matrix: &Matrix, examples: &[usize]) -> Vec<f32> {
        let mut events: Vec<(&str, u8)> = vec![("", 0); ROWS];
        let mut order = examples.to_vec();
        order.sort_by_key(|&at| &self.posts[at].event);
        for at in order.into_iter().filter(|&at| self.folds[at] != BACKGROUND) {
            let event = self.posts[at].event.as_str();
            for (row, _) in matrix.row(at) {
                if events[row].0 != event {
                    events[row] = (event, events[row].1.saturating_add(1));
                }
            }
        }
        events.into_iter().map(|(_, count)| f32::from(u8::from(count >= EVENTS_MIN))).collect()
    }
}

fn margins_of(planes: &[Plane], matrix: &Matrix, at: usize) -> Vec<f32> {
    planes.iter().map(|plane| plane.margin(matrix, at)).collect()
}

/// The class that margins say.
fn class_of(margins: &[f32]) -> usize {
    match margins {
        [yes] => usize::from(*yes > 0.0),
        _ => (0..margins.len()).max_by(|&a, &b| margins[a].total_cmp(&margins[b])).unwrap_or(0),
    }
}

fn sentiment(post: &Labelled) -> Option<usize> {
    SENTIMENT.iter().position(|label| *label == post.label)
}

/// All tasks, in the order of the heads.
pub(crate) fn all(folder: &Path) -> anyhow::Result<Vec<Task>> {
    let mut languages = read(folder, "umsab_8lang.jsonl.gz")?;
    languages.retain(|post| LANGUAGES.contains(&post.lang.as_str()));
    let file = |name: &str| read(folder, name);
    let english = file("semeval2017_4a_train.jsonl.gz")?;
    let everyday: Vec<Labelled> = english.iter().step_by(BACKGROUND_STEP).cloned().collect();
    let is = |wanted: &'static [&'static str]| {
        move |post: &Labelled| Some(usize::from(wanted.contains(&post.label.as_str())))
    };
    let insults = [file("tweeteval_offensive.jsonl.gz")?, file("davidson_offensive.jsonl.gz")?].concat();
    let disasters = file("disaster_tweets.jsonl.gz")?;
    Ok(vec![
        Task::new(Head::English, 0.2, english, sentiment),
        Task::new(Head::Languages, 0.3, languages, sentiment),
        Task::new(Head::Complaint, 0.3, file("complaints.jsonl")?, is(&["complaint"])),
        Task::new(Head::Lead, 0.3, file("purchase_intent.jsonl")?, is(&["yes"])).amid(everyday.into_iter()),
        Task::new(Head::Irony, 0.3, file("tweeteval_irony.jsonl.gz")?, is(&["irony"])),
        Task::new(Head::Insult, 0.3, insults, is(&["offensive", "hate"])),
        Task::new(Head::Hate, 0.3, file("tweeteval_hate.jsonl.gz")?, is(&["hate"])),
        Task::new(Head::Disaster, 0.3, disasters.clone(), is(&["disaster"])),
        Task::new(Head::Urgency, 0.05, file("trecis_priority.jsonl.gz")?, is(&["High", "Critical"]))
            .by_event()
            .amid(disasters.into_iter().filter(|post| post.label == "not_disaster")),
    ])
}

/// Prints what the tasks, or the one of head `only`, are worth on posts that training did not see.
pub(crate) fn check(folder: &Path, only: Option<&str>) -> anyhow::Result<()> {
    for task in all(folder)?
        .into_iter()
        .filter(|task| only.is_none_or(|only| format!("{:?}", task.head).eq_ignore_ascii_case(only)))
    {
        let matrix = Matrix::of(&task.posts, |_| {});
        match task.head {
            Head::English => check_english(&task, &matrix, folder)?,
            Head::Languages => check_languages(&task, &matrix),
            Head::Urgency => {
                check_urgency(&task, &matrix);
                check_urgency_scores(&task, &matrix)?;
            }
            _ => {}
        }
        check_folds(&task, &matrix);
    }
    Ok(())
}

fn check_english(task: &Task, matrix: &Matrix, folder: &Path) -> anyhow::Result<()> {
    let (held, kept): (Vec<usize>, Vec<usize>) =
        (0..task.posts.len()).partition(|&at| task.posts[at].split == "2016test-A");
    let planes = task.train(matrix, &kept);
    report("English without 2016test, on it", &planes, matrix, &task.labels, held.into_iter());
    let airline = Task::new(Head::English, task.cost, read(folder, "airline.jsonl.gz")?, sentiment);
    let matrix = Matrix::of(&airline.posts, |_| {});
    report("  the same on airline", &planes, &matrix, &airline.labels, 0..airline.posts.len());
    Ok(())
}

fn check_languages(task: &Task, matrix: &Matrix) {
    let (kept, held): (Vec<usize>, Vec<usize>) =
        (0..task.posts.len()).partition(|&at| task.posts[at].split == "train");
    let planes = task.train(matrix, &kept);
    report("7 languages, train on val", &planes, matrix, &task.labels, held.iter().copied());
    for lang in LANGUAGES {
        let held = held.iter().copied().filter(|&at| task.posts[at].lang == lang);
        report(&format!("  {lang}"), &planes, matrix, &task.labels, held);
    }
}

/// Four levels by one margin, cut where macro-F1 is best on the other folds.
fn check_urgency(task: &Task, matrix: &Matrix) {
    let margins = task.cross_validate(matrix);
    let pairs = |of: &dyn Fn(usize) -> bool| -> Vec<(f32, usize)> {
        task.judged().filter(|&at| of(task.folds[at])).map(|at| (margins[at][0], task.level(at))).collect()
    };
    let judged = (0..FOLDS).flat_map(|fold| {
        let cuts = cuts(&pairs(&|other| other != fold));
        let held = pairs(&|other| other == fold);
        held.into_iter().map(move |(margin, level)| (level, cut(margin, &cuts))).collect::<Vec<_>>()
    });
    println!("Urgency, unseen events: {}", line(&confusion(judged, LEVELS.len()), LEVELS.len()));
    let all = pairs(&|_| true);
    let mut ranked: Vec<(f32, usize)> = all.clone();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let pressing = |posts: &[(f32, usize)]| posts.iter().filter(|one| one.1 >= 2).count() as f64;
    println!(
        "  recall of High and Critical at 25% flagged: {:.3}",
        pressing(&ranked[..ranked.len() / 4]) / pressing(&ranked)
    );
    let judged: Vec<(f32, bool)> = all.iter().map(|&(margin, level)| (margin, level >= 2)).collect();
    let (slope, offset) = logistic(&judged);
    println!(
        "  cuts, as probabilities: {:?}",
        cuts(&all).map(|cut| 1.0 / (1.0 + (-cut * slope - offset).exp()))
    );
}

/// The same as the scorer says it: with the lane of each fold in the shipped model, beside cues and the other lanes.
fn check_urgency_scores(task: &Task, matrix: &Matrix) -> anyhow::Result<()> {
    let margins = task.cross_validate(matrix);
    let judged: Vec<(f32, bool)> = task.judged().map(|at| (margins[at][0], task.labels[at] == 1)).collect();
    let calibration = logistic(&judged);
    let (mut all, mut ranked) = (Confusion::new(LEVELS.len()), Vec::new());
    for fold in 0..FOLDS {
        let kept: Vec<usize> = (0..task.posts.len()).filter(|&at| task.folds[at] != fold).collect();
        let plane = task.train(matrix, &kept).remove(0);
        let model = with_lane(task.head, &plane, calibration).context("the artefact is whole")?;
        let scorer = TrainedScorer::over(Box::leak(Box::new(model)));
        for at in task.judged().filter(|&at| task.folds[at] == fold) {
            let scores = scores_of(&scorer, &task.posts[at].text);
            all.add(task.level(at), scores.urgency_label as usize);
            ranked.push((scores.urgency, task.labels[at] == 1));
        }
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let pressing = |posts: &[(f32, bool)]| posts.iter().filter(|post| post.1).count() as f64;
    let recall = pressing(&ranked[..ranked.len() / 4]) / pressing(&ranked);
    println!("Urgency as scored, unseen events: {}", line(&all, LEVELS.len()));
    println!("  recall of High and Critical at 25% flagged: {recall:.3}");
    Ok(())
}

fn scores_of(scorer: &TrainedScorer, text: &str) -> Scores {
    let folded = Folded::new(text);
    let tags = ["en".to_owned()];
    let input = ScoreInput::of_text(text, &folded, &tags);
    scorer.score(&input, &mut Scratch::default()).scores
}

fn cut(margin: f32, cuts: &[f32; 3]) -> usize {
    cuts.iter().filter(|&&cut| margin >= cut).count()
}

/// Where macro-F1 of the levels is best: by the margins' quantiles, one cut after the other, three times.
fn cuts(posts: &[(f32, usize)]) -> [f32; 3] {
    let mut margins: Vec<f32> = posts.iter().map(|post| post.0).collect();
    margins.sort_by(f32::total_cmp);
    let quantile = |share: f64| margins[((margins.len() - 1) as f64 * share) as usize];
    let tried: Vec<f32> = (1..100).map(|step| quantile(1.0 - (f64::from(step) / 100.0).powi(2))).collect();
    let mut best = [0.7, 0.88, 0.985].map(quantile);
    let worth = |cuts: &[f32; 3]| {
        confusion(posts.iter().map(|&(margin, level)| (level, cut(margin, cuts))), LEVELS.len()).macro_f1()
    };
    for at in [0, 1, 2, 0, 1, 2, 0, 1, 2] {
        for &candidate in &tried {
            let mut moved = best;
            moved[at] = candidate;
            if moved.is_sorted() && worth(&moved) > worth(&best) {
                best = moved;
            }
        }
    }
    best
}

fn check_folds(task: &Task, matrix: &Matrix) {
    let margins = task.cross_validate(matrix);
    let classes = task.head.lanes().max(2);
    let of_fold = |fold: usize| task.judged().filter(move |&at| fold == FOLDS || task.folds[at] == fold);
    let pairs = |fold: usize| of_fold(fold).map(|at| (task.labels[at], class_of(&margins[at])));
    let folds = (0..FOLDS).map(|fold| confusion(pairs(fold), classes));
    let folds: Vec<String> = folds.map(|fold| format!("{:.3}", fold.macro_f1())).collect();
    let all = confusion(pairs(FOLDS), classes);
    let folds = folds.join(" ");
    println!("{:?}, {FOLDS} folds: {} (macro-F1 of each: {folds})", task.head, line(&all, classes));
    if classes == 2 {
        let judged: Vec<(f32, bool)> =
            task.judged().map(|at| (margins[at][0], task.labels[at] == 1)).collect();
        let (slope, offset) = logistic(&judged);
        println!("  {}", trade(&judged, |margin| 1.0 / (1.0 + (-margin * slope - offset).exp())));
    }
}

fn report(
    name: &str,
    planes: &[Plane],
    matrix: &Matrix,
    labels: &[usize],
    posts: impl Iterator<Item = usize>,
) {
    let pairs = posts.map(|at| (labels[at], class_of(&margins_of(planes, matrix, at))));
    let classes = planes.len().max(2);
    println!("{name}: {}", line(&confusion(pairs, classes), classes));
}
