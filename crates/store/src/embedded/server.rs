//! Bringing a server up, and the thread that it is a child of.
//!
//! The kernel sends a child its death signal when the *thread* that forked it ends. So one thread
//! of our own, not of a pool that retires its threads, does everything here: it starts the server
//! and then waits for it to end.

use std::fs::{self, File, TryLockError};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};

use super::account::{Account, OnOurDeath};
use super::error::EmbeddedError;
use super::layout::{DETACHED, Layout, NAME, make_private_dir};
use super::probe::{self, Answer};
use super::programs::{self, Programs};
use super::{EmbeddedConfig, Lifetime};

/// How long to wait for a server to answer or to end: recovery after a crash takes its time.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks at something that no event announces. A look costs about a millisecond.
const PAUSE: Duration = Duration::from_millis(10);

/// A server that answers.
#[derive(Debug)]
pub(super) enum Up {
    /// Our child; `ended` turns true when it is gone.
    Ours { layout: Layout, pid: Pid, ended: watch::Receiver<bool> },
    /// Started by us, but nobody's child.
    Detached { layout: Layout, pid: Pid },
    /// Somebody else's.
    Found { layout: Layout },
}

/// Starts or finds the server, and answers when it is ready.
pub(super) async fn bring_up(
    config: EmbeddedConfig,
    lifetime: Lifetime,
) -> Result<Up, EmbeddedError> {
    let (reply, answer) = oneshot::channel();
    thread::Builder::new()
        .name("postgres".into())
        .spawn(move || look_after(&config, lifetime, reply))
        .map_err(EmbeddedError::io("starting", "a thread".as_ref()))?;
    answer.await.unwrap_or(Err(EmbeddedError::ThreadLost))
}

/// The thread's whole life.
fn look_after(
    config: &EmbeddedConfig,
    lifetime: Lifetime,
    reply: oneshot::Sender<Result<Up, EmbeddedError>>,
) {
    let (layout, child, lock) = match start(config, lifetime) {
        Ok(Started::Child(layout, child, lock)) => (layout, child, lock),
        Ok(Started::Found(layout)) => {
            let _ = reply.send(Ok(Up::Found { layout }));
            return;
        }
        Err(error) => {
            let _ = reply.send(Err(error));
            return;
        }
    };
    let mut child = child;
    let pid = Pid::from_child(&child);
    if lifetime == Lifetime::Detached {
        drop(lock);
        let _ = reply.send(Ok(Up::Detached { layout, pid }));
        return;
    }
    let (ended_sender, ended) = watch::channel(false);
    if reply.send(Ok(Up::Ours { layout, pid, ended })).is_err() {
        // Whoever wanted it gave up while it started.
        let _ = rustix::process::kill_process(pid, Signal::INT);
    }
    let status = child.wait();
    tracing::debug!(?status, "the private PostgreSQL ended");
    // In this order: who hears that it has ended may start another at once.
    drop(lock);
    ended_sender.send_replace(true);
}

enum Started {
    Child(Layout, Child, File),
    Found(Layout),
}

fn start(config: &EmbeddedConfig, lifetime: Lifetime) -> Result<Started, EmbeddedError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(EmbeddedError::io("starting", "an event loop".as_ref()))?;
    let layout = Layout::create(&config.data_dir)?;
    let lock = layout.open_lock()?;
    if !take_lock(&runtime, &layout, &lock)? {
        return Ok(Started::Found(layout));
    }
    if !await_end_of_predecessor(&runtime, &layout)? {
        return Ok(Started::Found(layout));
    }
    let programs = layout.choose(programs::find_all()?)?;
    let account = Account::choose(&layout.cluster(programs.major))?;
    account.check_reach(layout.root())?;
    if !layout.cluster(programs.major).exists() {
        initdb(&layout, &account, &programs, config.durable)?;
    }
    layout.make_socket_dir(&account)?;
    layout.remove_stale_mark(programs.major)?;
    let child = start_postgres(&runtime, &layout, &account, &programs, config, lifetime)?;
    Ok(Started::Child(layout, child, lock))
}

/// True: the directory is ours. False: it is another program's, whose server answers.
fn take_lock(runtime: &Runtime, layout: &Layout, lock: &File) -> Result<bool, EmbeddedError> {
    let began = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(EmbeddedError::io("locking", &layout.lock_path())(error));
            }
        }
        match runtime.block_on(probe::ask(&layout.socket_dir())) {
            Answer::Ready => return Ok(false),
            Answer::Refused(error) => return Err(EmbeddedError::Refused(error)),
            Answer::NoDatabase | Answer::NotYet => {}
        }
        if began.elapsed() > PATIENCE {
            return Err(EmbeddedError::Held {
                lock: layout.lock_path(),
                waited_s: PATIENCE.as_secs(),
            });
        }
        thread::sleep(PAUSE);
    }
}

/// What an earlier program left running: a detached server is used (false), any other is an orphan
/// of a program that was killed, which by now has its death signal, or gets it here. Its end is
/// awaited (true).
fn await_end_of_predecessor(runtime: &Runtime, layout: &Layout) -> Result<bool, EmbeddedError> {
    let began = Instant::now();
    let mut told = None;
    while let Some(server) = layout.postmaster() {
        if server.detached {
            if matches!(runtime.block_on(probe::ask(&layout.socket_dir())), Answer::Ready) {
                return Ok(false);
            }
        } else if told != Some(server.pid) {
            tracing::info!(
                pid = server.pid.as_raw_nonzero().get(),
                "stopping the PostgreSQL that an earlier run left behind"
            );
            server.signal(Signal::INT);
            told = Some(server.pid);
        }
        if began.elapsed() > PATIENCE {
            return Err(EmbeddedError::StillRunning { pid: server.pid.as_raw_nonzero().get() });
        }
        thread::sleep(PAUSE);
    }
    Ok(true)
}

/// Makes the cluster beside its place and moves it there when it is whole.
fn initdb(
    layout: &Layout,
    account: &Account,
    programs: &Programs,
    durable: bool,
) -> Result<(), EmbeddedError> {
    let unfinished = layout.new_cluster(programs.major);
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(EmbeddedError::io("removing", &unfinished))?;
    }
    make_private_dir(&unfinished, account)?;
    let program = programs.bin.join("initdb");
    // Sorted by bytes, which never changes under an index when the system is upgraded; upper and
    // lower case known for every script, because names are searched without regard to it.
    let ctype = if cfg!(target_os = "macos") { "en_US.UTF-8" } else { "C.UTF-8" };
    let mut command = account.command(&program, OnOurDeath::Signal("KILL"));
    command.arg("-D").arg(&unfinished).args(["-U", NAME, "-A", "trust", "-E", "UTF8"]);
    command.args(["--locale=C", "--no-instructions"]).arg(format!("--lc-ctype={ctype}"));
    if !durable {
        command.arg("--no-sync");
    }
    let output = command.output().map_err(EmbeddedError::io("running", &program))?;
    if !output.status.success() {
        let text = [output.stdout, output.stderr].concat();
        return Err(EmbeddedError::Initdb { output: String::from_utf8_lossy(&text).into_owned() });
    }
    let cluster = layout.cluster(programs.major);
    fs::rename(&unfinished, &cluster).map_err(EmbeddedError::io("renaming", &unfinished))
}

/// Starts the server and waits until it answers and has our database.
fn start_postgres(
    runtime: &Runtime,
    layout: &Layout,
    account: &Account,
    programs: &Programs,
    config: &EmbeddedConfig,
    lifetime: Lifetime,
) -> Result<Child, EmbeddedError> {
    let program = programs.bin.join("postgres");
    let on_our_death = match lifetime {
        Lifetime::OurOwn => OnOurDeath::Signal("INT"),
        Lifetime::Detached => OnOurDeath::LiveOn,
    };
    let mut command = account.command(&program, on_our_death);
    command.arg("-D").arg(layout.cluster(programs.major));
    for setting in settings(layout, config, lifetime) {
        command.arg("-c").arg(setting);
    }
    let (log, log_start) = layout.open_log()?;
    let log_too = log.try_clone().map_err(EmbeddedError::io("opening", &layout.log()))?;
    command.stdout(log).stderr(log_too);
    let mut child = spawn(&mut command, &program)?;
    match await_answer(runtime, layout, &mut child, log_start) {
        Ok(()) => Ok(child),
        Err(error) => {
            let _ = rustix::process::kill_process(Pid::from_child(&child), Signal::INT);
            let _ = child.wait();
            Err(error)
        }
    }
}

fn spawn(command: &mut Command, program: &std::path::Path) -> Result<Child, EmbeddedError> {
    command.stdin(Stdio::null()).spawn().map_err(EmbeddedError::io("running", program))
}

fn await_answer(
    runtime: &Runtime,
    layout: &Layout,
    child: &mut Child,
    log_start: u64,
) -> Result<(), EmbeddedError> {
    let began = Instant::now();
    loop {
        let status = child.try_wait().map_err(EmbeddedError::io("awaiting", &layout.log()))?;
        if let Some(status) = status {
            return Err(EmbeddedError::Died {
                status: status.to_string(),
                log: layout.log(),
                tail: layout.log_tail(log_start),
            });
        }
        match runtime.block_on(probe::ask(&layout.socket_dir())) {
            Answer::Ready => return Ok(()),
            Answer::NoDatabase => {
                runtime.block_on(probe::create_database(&layout.socket_dir()))?;
            }
            Answer::Refused(error) => return Err(EmbeddedError::Refused(error)),
            Answer::NotYet => {}
        }
        if began.elapsed() > PATIENCE {
            return Err(EmbeddedError::Silent { waited_s: PATIENCE.as_secs(), log: layout.log() });
        }
        thread::sleep(PAUSE);
    }
}

/// Everything is said on the command line, so that the files of the cluster stay as initdb wrote
/// them, and a newer riftwatch's settings hold at its first start.
fn settings(layout: &Layout, config: &EmbeddedConfig, lifetime: Lifetime) -> Vec<String> {
    let socket_dir = layout.socket_dir().display().to_string().replace('"', "\"\"");
    let mut settings = vec![
        String::from("listen_addresses="),
        format!("unix_socket_directories=\"{socket_dir}\""),
        String::from("unix_socket_permissions=0700"),
        String::from("port=5432"),
        format!("max_connections={}", config.max_connections),
        String::from("timezone=UTC"),
        String::from("log_timezone=UTC"),
        // Our statements are short; compiling them costs more than running them.
        String::from("jit=off"),
    ];
    match lifetime {
        Lifetime::OurOwn => settings.push(format!("cluster_name={NAME}")),
        Lifetime::Detached => settings.push(DETACHED.to_owned()),
    }
    if !config.durable {
        settings.extend(
            // Autovacuum would now and then sit in a template and keep it from being copied.
            ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off"]
                .map(String::from),
        );
    }
    settings
}
