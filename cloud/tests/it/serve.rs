use std::io::{Read, Write};
use std::net::TcpStream;

use crate::program::{Program, configs};

/// One request, the whole answer.
fn request(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(address: &str, path: &str) -> String {
    request(address, &format!("GET {path} HTTP/1.1\r\nhost: api\r\nconnection: close\r\n\r\n"))
}

#[test]
fn it_serves_and_stops_when_asked() {
    let program = Program::new();
    program.run(&["pki", "init"]);
    program.run(&["pki", "gateway", "gw-marina-1"]);
    program.run(&["seed", configs().join("seed-example.toml").to_str().unwrap()]);
    let mut service = program.serve();
    let serving = service.wait_for("serving");
    let (api, metrics) = (serving["api"].as_str().unwrap(), serving["metrics"].as_str().unwrap());
    assert!(serving["endpoint"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert!(get(api, "/healthz").contains(r#"{"status":"ok"}"#));
    let body = r#"{"email":"chef@albarsha.example","password":"for demonstrations only"}"#;
    let login = format!(
        "POST /smartkitchen/v1/auth/login HTTP/1.1\r\nhost: api\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    assert!(request(api, &login).contains(r#""customerId":"cust-001""#));
    assert!(get(metrics, "/metrics").contains("api_logins_total{result=\"ok\"} 1"));
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn an_address_in_use_is_said_before_anything_is_made() {
    let program = Program::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let text = std::fs::read_to_string(program.config()).unwrap();
    std::fs::write(
        program.config(),
        text.replace("[api]\nlisten = \"127.0.0.1:0\"", &format!("[api]\nlisten = \"{address}\"")),
    )
    .unwrap();
    let outcome = program.run(&["serve"]);
    assert_eq!(outcome.code, Some(2));
    insta::assert_snapshot!(outcome.stderr.replace(&address, "[address]"));
    assert!(!program.path("data").exists());
}

#[test]
fn without_certificates_it_says_how_to_make_them() {
    let program = Program::new();
    let outcome = program.run(&["serve"]);
    assert_eq!(outcome.code, Some(2));
    insta::assert_snapshot!(outcome.stderr);
}

#[test]
fn a_file_that_is_missing_or_wrong_is_named_with_its_section_and_key() {
    let program = Program::new();
    program.run(&["pki", "init"]);
    for (broker, setting) in [
        ("ca = \"missing.pem\"", "`broker.ca`"),
        ("certificate = \"missing.pem\"", "`broker.certificate`"),
        ("key = \"missing.key\"", "`broker.key`"),
        ("key = \"pki/server.key\"", "`[broker]`"),
    ] {
        program.configure(&format!("[broker]\nhost = \"localhost\"\n{broker}\n"));
        let outcome = program.run(&["serve"]);
        assert_eq!(outcome.code, Some(2));
        assert!(outcome.stderr.contains(&format!("or correct {setting}")), "{}", outcome.stderr);
    }
}

#[test]
fn no_secret_is_in_the_log() {
    let program = Program::new();
    program.run(&["pki", "init"]);
    program.configure("level = \"trace\"\n");
    let mut service = program.serve();
    let serving = service.wait_for("serving");
    let api = serving["api"].as_str().unwrap().to_owned();
    let body = r#"{"email":"nobody@example.ae","password":"xyzzy-plugh"}"#;
    let length = body.len();
    request(
        &api,
        &format!(
            "POST /smartkitchen/v1/auth/login HTTP/1.1\r\nhost: api\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        ),
    );
    assert_eq!(service.stop(), Some(0));
    let mut log = String::new();
    service.log.read_to_string(&mut log).unwrap();
    let secret = std::fs::read_to_string(program.path("data/jwt-secret")).unwrap();
    assert!(!log.is_empty());
    assert!(!log.contains("xyzzy") && !log.contains(secret.trim()), "{log}");
}

/// It accepts: what is not TLS gets an alert, and whoever came before has been accepted too.
fn is_answered(endpoint: &str) {
    let mut stream = TcpStream::connect(endpoint).unwrap();
    stream.write_all(b"not a handshake").unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 1);
}

#[test]
fn too_few_open_files_are_said_at_the_start_and_once_when_they_run_out() {
    const FILES: u32 = 64;
    let program = Program::new();
    program.run(&["pki", "init"]);
    let mut service = program.serve_with_files(FILES);
    let serving = service.wait_for("serving");
    let endpoint = serving["endpoint"].as_str().unwrap().to_owned();
    let short = service.wait_for(
        "fewer files may be open than there are connection slots: raise it, `LimitNOFILE=` in the systemd unit",
    );
    assert_eq!((short["allowed"].as_u64(), short["level"].as_str()), (Some(u64::from(FILES)), Some("WARN")));
    let strangers = || (0..2 * FILES).map(|_| TcpStream::connect(&endpoint).unwrap()).collect::<Vec<_>>();
    let crowd = strangers();
    service.wait_for("cannot accept a connection");
    drop(crowd);
    is_answered(&endpoint);
    drop(strangers());
    is_answered(&endpoint);
    assert_eq!(service.stop(), Some(0));
    let mut log = String::new();
    service.log.read_to_string(&mut log).unwrap();
    assert!(!log.contains("cannot accept a connection"), "{log}");
}
