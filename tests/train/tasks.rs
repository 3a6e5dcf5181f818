//! The heads of the model: what each learns from, and how that is checked.

use std::path::Path;

use birddog::score::model::Head;

use crate::data::Matrix;
use crate::figures::{confusion, line};
use crate::labelled::{Labelled, read};
use crate::svm::{self, Plane};

/// Posts are dealt to this many parts for cross-validation.
const FOLDS: usize = 5;
const SENTIMENT: [&str; 3] = ["negative", "neutral", "positive"];
/// The languages of the 8 but English.
const LANGUAGES: [&str; 7] = ["arabic", "french", "german", "hindi", "italian", "portuguese", "spanish"];

/// What one head learns.
pub(crate) struct Task {
    pub(crate) head: Head,
    pub(crate) posts: Vec<Labelled>,
    /// Class of each post.
    pub(crate) labels: Vec<usize>,
    /// How hard one example pulls; chosen on development data.
    cost: f32,
}

impl Task {
    fn new(head: Head, cost: f32, posts: Vec<Labelled>, class: impl Fn(&Labelled) -> Option<usize>) -> Self {
        let classed = posts.into_iter().filter_map(|post| class(&post).map(|class| (post, class)));
        let (posts, labels) = classed.unzip();
        Self { head, posts, labels, cost }
    }

    /// Margins of every post by planes that did not see its fold.
    pub(crate) fn cross_validate(&self, matrix: &Matrix) -> Vec<Vec<f32>> {
        let mut margins = vec![Vec::new(); self.posts.len()];
        for fold in 0..FOLDS {
            let (held, kept): (Vec<usize>, Vec<usize>) =
                (0..self.posts.len()).partition(|at| at % FOLDS == fold);
            let planes = self.train(matrix, &kept);
            for at in held {
                margins[at] = margins_of(&planes, matrix, at);
            }
        }
        margins
    }

    pub(crate) fn train(&self, matrix: &Matrix, examples: &[usize]) -> Vec<Plane> {
        let labels: Vec<usize> = examples.iter().map(|&at| self.labels[at]).collect();
        svm::train(matrix, examples, &labels, self.head.lanes().max(2), self.cost)
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
    let complaint = |post: &Labelled| Some(usize::from(post.label == "complaint"));
    Ok(vec![
        Task::new(Head::English, 0.2, read(folder, "semeval2017_4a_train.jsonl.gz")?, sentiment),
        Task::new(Head::Languages, 0.3, languages, sentiment),
        Task::new(Head::Complaint, 0.3, read(folder, "complaints.jsonl")?, complaint),
    ])
}

/// Prints what the tasks are worth on posts that training did not see.
pub(crate) fn check(folder: &Path) -> anyhow::Result<()> {
    for task in all(folder)? {
        let matrix = Matrix::of(&task.posts, |_| {});
        match task.head {
            Head::English => check_english(&task, &matrix, folder)?,
            Head::Languages => check_languages(&task, &matrix),
            Head::Complaint => {}
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

fn check_folds(task: &Task, matrix: &Matrix) {
    let margins = task.cross_validate(matrix);
    let classes = task.head.lanes().max(2);
    let pair = |at: usize| (task.labels[at], class_of(&margins[at]));
    let folds = (0..FOLDS).map(|fold| confusion((fold..margins.len()).step_by(FOLDS).map(pair), classes));
    let folds: Vec<String> = folds.map(|fold| format!("{:.3}", fold.macro_f1())).collect();
    let all = confusion((0..margins.len()).map(pair), classes);
    let folds = folds.join(" ");
    println!("{:?}, {FOLDS} folds: {} (macro-F1 of each: {folds})", task.head, line(&all, classes));
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
