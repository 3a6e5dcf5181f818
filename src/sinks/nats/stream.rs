//! The stream behind the sink: made when it is missing, checked, and looked at again after trouble.
//!
//! A stream can go while the connection stays: deleted by a person, or lost with the server's disk. Publishing then
//! finds nobody, for as long as nobody makes it again.

use std::sync::Arc;

use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::{Context, stream};

use super::config::Config;

/// Looks after one stream, or after none when somebody else does.
pub(super) struct StreamGuard {
    sink: Arc<str>,
    wanted: Option<stream::Config>,
    accepts_single_replica: bool,
    is_due: bool,
    /// `None` until the stream was there once.
    replicas_seen: Option<usize>,
}

impl StreamGuard {
    pub(super) fn new(config: &Config) -> Self {
        let wanted = config.stream.as_ref().map(|name| stream::Config {
            name: name.clone(),
            subjects: vec![format!("{}.>", config.subject_prefix)],
            num_replicas: config.replicas,
            duplicate_window: config.duplicate_window,
            ..stream::Config::default()
        });
        Self {
            sink: Arc::from(&*config.name),
            wanted,
            accepts_single_replica: config.accept_single_replica,
            is_due: true,
            replicas_seen: None,
        }
    }

    /// Something went wrong: the stream is looked at before the next batch.
    pub(super) fn check_next_time(&mut self) {
        self.is_due = true;
    }

    /// Makes the stream if it is missing and checks that it listens to our subjects, when that is due.
    pub(super) async fn ensure(&mut self, context: &Context) -> Result<(), async_nats::Error> {
        let Some(wanted) = self.wanted.as_ref().filter(|_| self.is_due) else { return Ok(()) };
        let found = match find(context, wanted).await? {
            Some(found) => found,
            None => self.make(context, wanted).await?,
        };
        check_subjects(wanted, &found)?;
        self.note_replicas(found.num_replicas);
        self.is_due = false;
        Ok(())
    }

    async fn make(
        &self,
        context: &Context,
        wanted: &stream::Config,
    ) -> Result<stream::Config, async_nats::Error> {
        let made = context.create_stream(wanted.clone()).await?;
        if self.replicas_seen.is_some() {
            tracing::warn!(sink = %self.sink, stream = %wanted.name, "the stream was gone and is made again");
        } else {
            tracing::info!(sink = %self.sink, stream = %wanted.name, "the stream is made");
        }
        Ok(made.cached_info().config.clone())
    }

    /// Says how durable the stream is, once for each number.
    fn note_replicas(&mut self, replicas: usize) {
        let before = self.replicas_seen.replace(replicas);
        if replicas < 3 && before != Some(replicas) && !self.accepts_single_replica {
            tracing::warn!(
                sink = %self.sink,
                replicas,
                "the stream has fewer than 3 replicas: NATS syncs to disk every 2 minutes unless sync_interval \
                 is always, so a power cut can lose what it acknowledged; set accept_single_replica once that is \
                 settled"
            );
        }
    }
}

async fn find(
    context: &Context,
    wanted: &stream::Config,
) -> Result<Option<stream::Config>, async_nats::Error> {
    match context.get_stream(&wanted.name).await {
        Ok(found) => Ok(Some(found.cached_info().config.clone())),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(answer) if answer.code() == 404 => Ok(None),
            _ => Err(error.into()),
        },
    }
}

fn check_subjects(wanted: &stream::Config, found: &stream::Config) -> Result<(), async_nats::Error> {
    let (name, subject) = (&wanted.name, &wanted.subjects[0]);
    let fits = [subject.as_str(), ">", "*.>", "*.*.*"];
    if found.subjects.iter().any(|subject| fits.contains(&subject.as_str())) {
        return Ok(());
    }
    Err(format!("stream {name} does not listen to {subject}; add that subject to it").into())
}
