//! Clients that are slow, huge, absurd or too many: each gets the right refusal or is cut off within its time, and the
//! others never notice.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    samples::{fields, filling, is_text, order, orders, text_field},
    support::TestApp,
};

/// Splits a raw answer into its status and its problem.
fn problem(answer: &str) -> (u16, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    assert!(head.contains("application/problem+json"), "{head}");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let problem: Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["status"], status);
    (status, problem)
}

fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Sends a byte every 50 ms until the service has answered or closed; gives what it said and how long that took.
fn drip(stream: &mut TcpStream, bytes: &[u8]) -> (String, Duration) {
    let began = Instant::now();
    let mut reader = stream.try_clone().unwrap();
    let answer = thread::spawn(move || (read_all(&mut reader), began.elapsed()));
    for byte in bytes.iter().cycle() {
        if answer.is_finished() || stream.write_all(&[*byte]).is_err() {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    answer.join().unwrap()
}

#[test]
fn a_head_that_comes_byte_by_byte_is_408_when_its_time_is_up() {
    let mut app = TestApp::start_with(&[("HEADER_TIMEOUT", "0.5")]);

    let (answer, took) =
        drip(&mut app.connect(), b"GET /livez HTTP/1.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");

    let (status, problem) = problem(&answer);
    assert_eq!(status, 408, "{problem}");
    assert!((Duration::from_millis(450)..Duration::from_secs(3)).contains(&took), "took {took:?}");
    assert_eq!(app.log_of(problem["request_id"].as_str().unwrap())["status"], 408);
    app.assert_still_the_same_process();
}

#[test]
fn a_body_that_comes_byte_by_byte_is_408_when_its_time_is_up() {
    let mut app = TestApp::start_with(&[("BODY_TIMEOUT", "0.5")]);

    for framing in ["Content-Length: 100000", "Transfer-Encoding: chunked"] {
        for path in ["/create_order", "/create_orders", "/echo"] {
            let mut stream = app.connect();
            write!(stream, "POST {path} HTTP/1.1\r\nHost: t\r\n{framing}\r\n\r\n").unwrap();
            let (answer, took) = drip(&mut stream, b"1\r\n[\r\n");

            assert_eq!(problem(&answer).0, 408, "{path}, {framing}");
            assert!(took < Duration::from_secs(3), "{path}, {framing} took {took:?}");
        }
    }
    app.assert_still_the_same_process();
}

#[test]
fn a_chunked_body_that_never_ends_is_413_at_the_limit() {
    let mut app = TestApp::start_with(&[("MAX_BODY_BYTES", "1000000")]);

    for path in ["/create_order", "/create_orders", "/echo"] {
        let mut stream = app.connect();
        write!(stream, "POST {path} HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
        while stream.write_all(chunk.as_bytes()).is_ok() {}

        // The answer may have been lost with the reset; the log has it in any case.
        app.wait_for_output(&format!("\"path\":\"{path}\",\"status\":413"));
    }
    app.assert_still_the_same_process();
}

#[test]
fn a_client_that_sends_on_can_still_read_the_refusal() {
    let app = TestApp::start_with(&[("MAX_BODY_BYTES", "1000000")]);

    let mut stream = app.connect();
    stream.write_all(b"POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3000000\r\n\r\n").unwrap();
    for _ in 0..3 {
        stream.write_all(&[b'x'; 1_000_000]).unwrap();
        thread::sleep(Duration::from_millis(100));
    }

    let answer = read_all(&mut stream);
    assert_eq!(problem(&answer).0, 413);
    assert!(answer.contains("connection: close\r\n"), "what is left of the body is no request: {answer}");
}

#[test]
fn a_head_that_is_too_long_or_no_http_is_a_problem_and_logged() {
    let mut app = TestApp::start();

    let table = [
        (format!("GET /livez HTTP/1.1\r\nX-Big: {}\r\n\r\n", "x".repeat(1 << 20)), 431),
        (format!("GET /livez HTTP/1.1\r\n{}\r\n", "X-Many: 1\r\n".repeat(101)), 431),
        (format!("GET /{} HTTP/1.1\r\nHost: t\r\n\r\n", "x".repeat(100_000)), 414),
        ("GET /livez HTTP/9.9\r\n\r\n".to_string(), 400),
        ("GET  /livez\r\n\r\n".to_string(), 400),
        ("GET /livez HTTP/1.1\r\nno colon\r\n\r\n".to_string(), 400),
        ("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx".to_string(), 400),
        ("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: -1\r\n\r\n".to_string(), 400),
    ];
    for (text, expected) in table {
        let mut stream = app.connect();
        let mut writer = stream.try_clone().unwrap();
        let bytes = text.clone().into_bytes();
        let writing = thread::spawn(move || drop(writer.write_all(&bytes)));
        let (status, problem) = problem(&read_all(&mut stream));
        writing.join().unwrap();

        let begin: String = text.chars().take(60).collect();
        assert_eq!(status, expected, "{begin:?}");
        assert_eq!(app.log_of(problem["request_id"].as_str().unwrap())["status"], expected, "{begin:?}");
    }
    app.assert_still_the_same_process();
}

#[test]
fn a_refusal_comes_after_the_answers_to_the_requests_before_it() {
    let app = TestApp::start();

    let answer =
        app.exchange("GET /livez HTTP/1.1\r\nHost: t\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: t\r\n\r\nnonsense\r\n\r\n");

    let problem_ids = answer.matches("\"request_id\"").count();
    let places = ["HTTP/1.1 200", "HTTP/1.1 404", "HTTP/1.1 400"].map(|status| answer.find(status).unwrap());
    assert!(places.is_sorted() && problem_ids == 2, "{answer}");
}

#[test]
fn a_hundred_pipelined_requests_get_a_hundred_answers_in_their_sequence() {
    let app = TestApp::start();

    let mut text = String::new();
    for number in 0..100 {
        text += &format!("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\n{number:03}");
    }
    let answer = app.exchange(&(text + "GET /livez HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"));

    let bodies: Vec<&str> =
        answer.split("HTTP/1.1 200 OK").skip(1).map(|part| part.rsplit("\r\n\r\n").next().unwrap()).collect();
    let expected: Vec<String> = (0..100).map(|number| format!("{number:03}")).chain(["alive\n".to_string()]).collect();
    assert_eq!(bodies, expected);
}

#[test]
fn a_connection_without_a_request_is_closed_without_a_word() {
    let app = TestApp::start_with(&[("KEEP_ALIVE_TIMEOUT", "0.5")]);
    let began = Instant::now();

    let fresh = thread::scope(|scope| {
        let mut stream = app.connect();
        let fresh = scope.spawn(move || read_all(&mut stream));
        let answer = app.exchange("GET /livez HTTP/1.1\r\nHost: t\r\n\r\n");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
        fresh.join().unwrap()
    });

    assert_eq!(fresh, "");
    assert!(began.elapsed() < Duration::from_secs(5), "they were closed after {:?}", began.elapsed());
}

#[test]
fn a_client_that_stops_reading_is_cut_off_and_one_that_reads_slowly_is_not() {
    let mut app = TestApp::start_with(&[("SEND_TIMEOUT", "0.5"), ("DB_POOL_SIZE", "2")]);
    assert_eq!(app.post("/create_orders", orders(0..filling(13))).status, 200);
    let whole = app.get("/orders").body.len();
    let ask = || {
        let mut stream = app.connect();
        stream.write_all(b"GET /orders HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").unwrap();
        stream
    };

    let slow = thread::scope(|scope| {
        let slow = scope.spawn(|| {
            let (mut stream, mut read, mut buffer) = (ask(), 0, vec![0; 1 << 20]);
            loop {
                match stream.read(&mut buffer) {
                    Ok(0) | Err(_) => break read,
                    Ok(some) => read += some,
                }
                thread::sleep(Duration::from_millis(40));
            }
        });
        let mut stopped = ask();
        thread::sleep(Duration::from_secs(2));
        assert_eq!(app.get("/orders/7").status, 200, "the others go on");
        let read = read_all(&mut stopped).len();
        assert!(read < whole, "{read} of {whole} bytes came to the one that had stopped");
        slow.join().unwrap()
    });

    assert!(slow >= whole, "{slow} of {whole} bytes came to the slow one");
    app.assert_still_the_same_process();
}

#[test]
fn a_client_that_resets_in_the_middle_of_an_answer_disturbs_nobody() {
    let mut app = TestApp::start();
    app.post("/create_orders", orders(0..filling(2)));

    for _ in 0..50 {
        let mut stream = app.connect();
        stream.write_all(b"GET /orders HTTP/1.1\r\nHost: t\r\n\r\n").unwrap();
        stream.read_exact(&mut [0; 1000]).unwrap();
        drop(stream); // with unread data: a reset
        assert_eq!(app.get("/orders/7").status, 200);
    }
    app.assert_still_the_same_process();
}

#[test]
fn one_connection_too_many_is_503_and_the_others_never_notice() {
    let mut app = TestApp::start_with(&[("MAX_CONNECTIONS", "20")]);
    let mut clients: Vec<TcpStream> = Vec::new();
    loop {
        let mut client = app.connect();
        if !livez(&mut client).starts_with("HTTP/1.1 200") {
            break;
        }
        clients.push(client);
    }
    assert!((18..=20).contains(&clients.len()), "{} connections are served", clients.len()); // `app` has some too

    for _ in 0..100 {
        let answer = read_all(&mut app.connect());
        let (status, _) = problem(&answer);
        assert!(status == 503 && answer.contains("retry-after: 1\r\n"), "{answer}");
    }
    for client in &mut clients {
        assert_eq!(livez(client), "HTTP/1.1 200 OK\r\n");
    }

    drop(clients.pop());
    let deadline = Instant::now() + Duration::from_secs(2);
    while !app.exchange("GET /livez HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200") {
        assert!(Instant::now() < deadline, "a place that is free again is not given to anybody");
    }
    app.assert_still_the_same_process();
}

/// One request and its answer on a connection that is kept.
fn livez(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET /livez HTTP/1.1\r\nHost: t\r\n\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line| line != "\r\n") {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "closed after {lines:?}");
        lines.push(line);
    }
    reader.read_exact(&mut [0; "alive\n".len()]).unwrap();
    lines.swap_remove(0)
}

#[test]
fn bodies_take_no_more_memory_together_than_the_limit() {
    let mut app = TestApp::start_with(&[("MAX_BODIES_BYTES", "2000000"), ("MAX_BODY_BYTES", "2000000")]);
    let begin = |path: &str| {
        let mut stream = app.connect();
        write!(stream, "POST {path} HTTP/1.1\r\nHost: t\r\nContent-Length: 1500000\r\n\r\n").unwrap();
        stream.write_all(&[b' '; 1_400_000]).unwrap();
        for _ in 0..50 {
            app.get("/livez"); // meanwhile the service has read it
        }
        stream
    };

    for path in ["/echo", "/create_order"] {
        let mut first = begin(path);
        let mut second = begin(path);
        let refused = app.post("/echo", vec![b'x'; 1_000_000]);
        assert_eq!(refused.problem(503)["detail"], json!("too many large requests at the same time"));
        assert_eq!(app.post("/echo", "small").body, "small");

        for stream in [&mut first, &mut second] {
            stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        }
        let refusals = [&mut first, &mut second].map(|stream| match stream.read(&mut [0; 12]) {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                false
            }
        });
        assert_eq!(refusals.iter().filter(|refused| **refused).count(), 1, "one of the two has no room: {path}");
        drop((first, second));
        let deadline = Instant::now() + Duration::from_secs(2);
        while app.post("/echo", vec![b'x'; 1_900_000]).status != 200 {
            assert!(Instant::now() < deadline, "the room of those that left is not free again");
        }
    }
    app.assert_still_the_same_process();
}

#[test]
fn what_hostile_bodies_took_is_used_again_for_the_next() {
    let mut app = TestApp::start();
    let elements = format!("[{}1]", "1,".repeat(2_000_000));
    let text = format!("{{\"{}\": \"{}\"}}", text_field(), "ü".repeat(2_000_000));
    let deep = format!("{}{}", "[".repeat(2_000_000), "]".repeat(2_000_000));
    let round = || {
        for body in [&elements, &text, &deep] {
            for path in ["/create_order", "/create_orders", "/orders"] {
                app.post(path, body).problem(422);
            }
            app.post("/echo", body);
            app.post("/create_order", body.split_at(body.len() - 1).0).problem(400);
        }
    };

    round();
    let before = app.peak_memory();
    for _ in 0..5 {
        round();
    }
    let grown = app.peak_memory() - before;

    assert!(grown < 8 << 20, "{grown} bytes more after five more rounds");
    app.assert_still_the_same_process();
}

#[test]
fn sql_in_any_field_or_parameter_is_data() {
    let app = TestApp::start();
    let attacks = [
        "'); DROP TABLE orders;--",
        "1 OR 1=1",
        "\\'; DELETE FROM orders; #",
        "1; SELECT SLEEP(9)",
        "%' UNION SELECT 1--",
        "\"\0`",
    ];
    app.post("/create_orders", orders(1..4));

    for (id, attack) in (100..).zip(attacks) {
        let order = || serde_json::from_str::<Value>(&order(id)).unwrap();
        let mut attacked = order();
        for (field, _) in fields().filter(|(_, value)| is_text(value)) {
            attacked[field] = json!(attack);
        }
        assert_eq!(app.post("/orders", attacked.to_string()).status, 201);
        assert_eq!(app.get(&format!("/orders/{id}")).json(), attacked);

        let encoded: String = attack.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for path in [
            format!("/orders/{encoded}"),
            format!("/orders?limit={encoded}"),
            format!("/orders?after={encoded}"),
            format!("/delete_order?id={encoded}"),
        ] {
            app.get(&path).problem(400);
        }
        let others = fields().filter(|(_, value)| !is_text(value)).map(|(field, _)| field);
        for field in others.chain(["order_id"]) {
            let mut order = order();
            order[field] = json!(attack);
            let problem = app.post("/orders", order.to_string()).problem(422);
            assert_eq!(problem["errors"][0]["pointer"], json!(format!("/{field}")));
        }
    }

    assert_eq!(app.query::<i64>("SELECT COUNT(*) FROM orders"), [3 + attacks.len() as i64]);
}
