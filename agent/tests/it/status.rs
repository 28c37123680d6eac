//! The status of a running agent: asked by its own command, by many at once, and by those who may not.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use insta::{assert_snapshot, with_settings};
use serde_json::Value;

use crate::service::{Service, command, configured};

const AGENT: &str = env!("CARGO_BIN_EXE_kitchen-agent");
/// What a test waits for has happened by then, or never will.
const PATIENCE: Duration = Duration::from_secs(30);

fn socket(dir: &Path) -> PathBuf {
    dir.join("data/status.sock")
}

fn ask(dir: &Path, args: &[&str]) -> (i32, String) {
    let mut asking = Command::new(AGENT);
    shown(asking.arg("--config").arg(dir.join("agent.toml")).arg("status").args(args))
}

fn shown(asking: &mut Command) -> (i32, String) {
    let Output { status, stdout, stderr } = asking.env_remove("NO_COLOR").output().unwrap();
    (status.code().unwrap(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

/// Asks until the answer is as wanted.
fn wait_for(dir: &Path, wanted: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let (code, text) = ask(dir, &["--json"]);
        let answer = serde_json::from_str(&text).unwrap_or(Value::Null);
        if code != 2 && wanted(&answer) {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "{code}: {text}");
    }
}

/// Until the first poll has found no port, and the first connection no cloud.
fn wait_for_faults(dir: &Path) -> Value {
    wait_for(dir, |answer| answer["mqtt"]["lastFault"].is_object() && answer["sensors"][0]["lastReading"].is_object())
}

#[test]
fn an_agent_without_sensor_and_cloud_says_what_is_wrong_and_what_to_do() {
    let dir = configured();
    let service = Service::start(dir.path());
    let answer = wait_for_faults(dir.path());
    assert_eq!([&answer["gatewayId"], &answer["kitchenId"]], ["gateway-1", "kitchen-1"]);
    let with: Vec<_> = answer["problems"].as_array().unwrap().iter().map(|problem| &problem["with"]).collect();
    assert_eq!(with, ["fridge-1", "cloud"]);
    let sensor = &answer["sensors"][0];
    assert_eq!([&sensor["state"], &sensor["lastReading"]["fault"]], ["waiting-for-port", "no-port"]);
    assert!(sensor["port"].as_str().unwrap().ends_with("no-such-port") && sensor["imei"] == "861234509876543");
    assert_eq!([&answer["mqtt"]["lastFault"]["kind"], &answer["buffer"]["disk"]["state"]], ["unreachable", "taking"]);
    let (code, screen) = ask(dir.path(), &[]);
    assert_eq!(code, 1);
    let volatile = [
        (dir.path().to_str().unwrap(), "DIR"),
        (r" +\d+ s ago", " N s ago"),
        (r"\d+ s\b", "N s"),
        (r"\d+ records wait \(0 % full\)[^;]*", "N records wait"),
        (r"(?m)^clock .*$", "clock   as this machine's is"),
        (r"certificate ends .*2126", "certificate ends 2126"),
        (r"version [\d.]+", "version V"),
    ];
    with_settings!({ filters => volatile }, { assert_snapshot!("status_screen", screen) });
    assert!(service.terminate().success());
    assert!(!socket(dir.path()).exists());
}

/// Stands in for the agent: whoever connects is told that, and the connection is closed.
fn tells(dir: &Path, answer: String) {
    fs::create_dir_all(dir.join("data")).unwrap();
    let listener = UnixListener::bind(socket(dir)).unwrap();
    thread::spawn(move || listener.accept().unwrap().0.write_all(answer.as_bytes()));
}

#[test]
fn an_agent_that_is_fine_is_0() {
    let dir = configured();
    tells(
        dir.path(),
        r#"{"gatewayId":"gateway-1","kitchenId":"kitchen-1","version":"0.2.0","epoch":"c1","uptimeS":5,"sensors":[],
            "clock":{"trust":"synced"},"somethingNewer":{"than":"this"},"mqtt":{"address":"cloud.example:8883",
            "connected":true,"state":"live","since":{"agoS":4},"unacknowledged":false,"passedOver":false},"buffer":{
            "records":0,"recordsMax":1,"bytes":0,"bytesMax":1,"unsettled":0,"evicted":0,"damaged":0,"setAside":0,
            "disk":{"state":"taking"}}}"#
            .to_owned(),
    );
    let (code, screen) = ask(dir.path(), &[]);
    assert!(code == 0 && screen.starts_with("all is fine\n"), "{screen}");
}

#[test]
fn an_answer_that_is_none_is_2() {
    let dir = configured();
    for (answer, said) in [("{}", "not understood: missing field"), ("no JSON", "not understood"), ("", "it is empty")]
    {
        tells(dir.path(), answer.to_owned());
        let (code, text) = ask(dir.path(), &[]);
        assert!(code == 2 && text.contains(said), "{text}");
        fs::remove_file(socket(dir.path())).unwrap();
    }
    tells(dir.path(), "x".repeat(2 * 1024 * 1024));
    let (code, text) = ask(dir.path(), &[]);
    assert!(code == 2 && text.contains("longer than 1048576 bytes"), "{text}");
}

#[test]
fn an_agent_that_says_nothing_is_given_up() {
    let dir = configured();
    fs::create_dir_all(dir.path().join("data")).unwrap();
    let _silent = UnixListener::bind(socket(dir.path())).unwrap();
    let (code, text) = ask(dir.path(), &[]);
    assert!(code == 2 && text.contains("the agent does not answer within 5 s"), "{text}");
}

#[test]
fn without_an_agent_it_is_2_and_says_where_to_look() {
    let dir = configured();
    let (code, text) = ask(dir.path(), &["--json"]);
    with_settings!({ filters => [(dir.path().to_str().unwrap(), "DIR")] }, {
        assert_snapshot!("status_no_agent", format!("exit: {code}\n{text}"));
    });
}

#[test]
fn a_configuration_spoilt_since_the_start_does_not_matter() {
    let dir = configured();
    let _service = Service::start(dir.path());
    wait_for(dir.path(), |_| true);
    let file = dir.path().join("agent.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("interval = \"60s\"", "interval = \"6 parsecs\" oops")).unwrap();
    assert_eq!(ask(dir.path(), &["--json"]).0, 1);
}

#[test]
fn what_is_no_socket_is_refused_and_left_alone() {
    let dir = configured();
    fs::create_dir_all(dir.path().join("data")).unwrap();
    fs::write(socket(dir.path()), "precious").unwrap();
    let refused = command(dir.path()).output().unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && told.contains("code: status::not_a_socket"), "{told}");
    assert_eq!(fs::read_to_string(socket(dir.path())).unwrap(), "precious");
}

#[test]
fn the_socket_of_a_killed_agent_is_replaced() {
    let dir = configured();
    let first = Service::start(dir.path());
    let epoch = wait_for(dir.path(), |_| true)["epoch"].clone();
    first.kill();
    assert!(fs::symlink_metadata(socket(dir.path())).unwrap().file_type().is_socket());
    let (code, text) = ask(dir.path(), &[]);
    assert!(code == 2 && text.contains("no agent answers"), "{text}");
    let second = Service::start(dir.path());
    assert_ne!(wait_for(dir.path(), |_| true)["epoch"], epoch);
    assert!(second.terminate().success());
}

#[test]
fn a_socket_that_cannot_be_made_does_not_stop_sampling() {
    let dir = configured();
    let file = dir.path().join("agent.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}\n[status]\nsocket = \"nowhere/status.sock\"\n")).unwrap();
    let mut service = Service::start(dir.path());
    let said = service.said("no status socket; sampling goes on, it is tried again");
    assert!(said["reason"].as_str().unwrap().contains("nowhere/status.sock"), "{said}");
    assert!(said["hint"].as_str().unwrap().starts_with("the directory must be there"), "{said}");
    assert!(service.terminate().success());
}

#[test]
fn many_ask_at_once_and_some_never_read() {
    let dir = configured();
    let service = Service::start(dir.path());
    wait_for(dir.path(), |_| true);
    let connect = || UnixStream::connect(socket(dir.path())).unwrap();
    let _never_read: Vec<UnixStream> = (0..20).map(|_| connect()).collect();
    let askers: Vec<_> = (0..20).map(|_| connect()).collect();
    let asking = askers.into_iter().map(|mut stream| {
        thread::spawn(move || {
            let mut text = String::new();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.read_to_string(&mut text).unwrap();
            serde_json::from_str::<Value>(&text).unwrap()
        })
    });
    for asked in asking.collect::<Vec<_>>() {
        assert_eq!(asked.join().unwrap()["gatewayId"], "gateway-1");
    }
    assert_eq!(ask(dir.path(), &["--json"]).0, 1);
    assert!(service.terminate().success());
}

/// Somebody without any rights.
const NOBODY: &str = "65534";

/// As another user; none where this test may not be one.
fn as_nobody(args: &[&Path]) -> Option<Command> {
    let nobody = || {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]);
        command
    };
    let can = nobody().arg(AGENT).arg("--version").output().is_ok_and(|output| output.status.success());
    can.then(|| {
        let mut command = nobody();
        command.arg(AGENT).arg("--config").args(args).arg("status");
        command
    })
}

#[test]
fn another_user_gets_no_answer_and_is_said_once() {
    let dir = configured();
    let file = dir.path().join("agent.toml");
    let Some(mut asking) = as_nobody(&[&file]) else {
        eprintln!("SKIPPED: only root can be another user, and only if that one can run the program");
        return;
    };
    let mut service = Service::start(dir.path());
    wait_for(dir.path(), |_| true);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&socket(dir.path())), 0o600);
    let set_mode = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    set_mode(&file, 0o600);
    let (code, text) = shown(&mut asking);
    assert!(code == 2 && text.contains("code: config::unreadable") && text.contains("as root"), "{text}");
    set_mode(&file, 0o644);
    for path in [dir.path(), &dir.path().join("data")] {
        set_mode(path, 0o755);
    }
    let (code, text) = shown(&mut asking);
    assert!(code == 2 && text.contains("code: status::denied") && text.contains("as root"), "{text}");
    set_mode(&socket(dir.path()), 0o666);
    for _ in 0..3 {
        let (code, text) = shown(&mut asking);
        assert!(code == 2 && text.contains("code: status::denied") && !text.contains("gateway-1"), "{text}");
    }
    let message = "a user who is neither root nor the agent's asked for the status and got no answer";
    assert_eq!(service.said(message)["user"], 65534);
    assert_eq!(service.says_until_its_end(message), 0);
}
