//! S3 where clients differ from one another: signatures, chunked bodies, answers that code relies on.

use crate::client::Local;

const CHUNKED: &[u8] = b"4;chunk-signature=00\r\nabcd\r\n2;chunk-signature=00\r\nef\r\n0;chunk-signature=00\r\nx-amz-checksum-crc32:S4457w==\r\nx-amz-trailer-signature:00\r\n\r\n";

fn code(reply: &crate::client::Reply) -> (u16, String) {
    let text = reply.text();
    let code = text
        .split("<Code>")
        .nth(1)
        .and_then(|it| it.split("</Code>").next());
    (reply.status, code.unwrap_or_default().to_owned())
}

#[test]
fn takes_any_signature_and_a_signed_chunked_body() {
    let local = Local::start();
    let headers = [
        (
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=nobody/20261123/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=00",
        ),
        (
            "x-amz-content-sha256",
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        ),
        ("x-amz-decoded-content-length", "6"),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
        ("x-amz-sdk-checksum-algorithm", "CRC32"),
        ("content-encoding", "aws-chunked"),
    ];
    let reply = local.http("PUT", "/bkt/chunked", &headers, CHUNKED);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(local.get("chunked"), b"abcdef");
    let wrong = String::from_utf8_lossy(CHUNKED).replace("S4457w==", "AAAAAA==");
    let reply = local.http("PUT", "/bkt/wrong", &headers, wrong.as_bytes());
    assert_eq!(code(&reply), (400, "BadDigest".to_owned()));
    assert_eq!(
        local.http("HEAD", "/bkt/wrong", &[], b"").status,
        404,
        "nothing is stored"
    );
}

#[test]
fn presigned_addresses_work_unsigned() {
    let local = Local::start();
    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Date=20261123T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
    let reply = local.http("GET", &format!("/bkt/train/a.csv?{query}"), &[], b"");
    assert_eq!(
        (reply.status, reply.body.as_slice()),
        (200, b"1,2\n0,3\n".as_slice())
    );
}

#[test]
fn gives_ranges() {
    let local = Local::start();
    let reply = local.http("GET", "/bkt/train/a.csv", &[("Range", "bytes=2-4")], b"");
    assert_eq!(
        (reply.status, reply.body.as_slice()),
        (206, b"2\n0".as_slice())
    );
    assert!(
        reply.headers.contains("content-range: bytes 2-4/8"),
        "{}",
        reply.headers
    );
}

#[test]
fn lists_entity_tags_and_holds_readers_to_theirs() {
    let local = Local::start();
    let head = local.http("HEAD", "/bkt/train/a.csv", &[], b"").headers;
    let tag = head.lines().find_map(|it| it.strip_prefix("etag: "));
    let tag = tag.unwrap().to_owned();
    let list = local.http("GET", "/bkt?list-type=2&prefix=train", &[], b"");
    let text = list.text().replace("&quot;", "\"");
    assert!(text.contains(&format!("<ETag>{tag}</ETag>")), "{text}");
    let get = || {
        let headers = [("If-Match", tag.as_str()), ("Range", "bytes=2-4")];
        local.http("GET", "/bkt/train/a.csv", &headers, b"")
    };
    assert_eq!(get().status, 206);
    local.put("train/a.csv", b"9,9,9\n");
    assert_eq!(code(&get()), (412, "PreconditionFailed".to_owned()));
}

#[test]
fn says_what_s3_says_where_a_folder_would_say_something_else() {
    let local = Local::start();
    assert_eq!(
        code(&local.http("PUT", "/bkt", &[], b"")),
        (409, "BucketAlreadyOwnedByYou".to_owned())
    );
    assert_eq!(
        code(&local.http("PUT", "/other/key", &[], b"x")),
        (404, "NoSuchBucket".to_owned())
    );
    assert_eq!(
        code(&local.http("GET", "/bkt/train", &[], b"")),
        (404, "NoSuchKey".to_owned())
    );
    assert_eq!(
        code(&local.http("GET", "/bkt/none", &[], b"")),
        (404, "NoSuchKey".to_owned())
    );
    assert_eq!(
        code(&local.http("DELETE", "/bkt", &[], b"")),
        (409, "BucketNotEmpty".to_owned())
    );
    assert_eq!(local.http("DELETE", "/bkt/train", &[], b"").status, 204);
    assert_eq!(local.http("HEAD", "/bkt/train/a.csv", &[], b"").status, 200);
}

#[test]
fn a_prefix_is_gone_with_its_last_object() {
    let local = Local::start();
    assert_eq!(
        local.http("DELETE", "/bkt/train/a.csv", &[], b"").status,
        204
    );
    local.put("train", b"now an object");
    assert_eq!(local.get("train"), b"now an object");
}

#[test]
fn keys_keep_their_characters_in_lists() {
    let local = Local::start();
    local.put("odd/a%20b%2Bc%25.csv", b"x");
    let reply = local.http(
        "GET",
        "/bkt?list-type=2&encoding-type=url&prefix=odd%2F",
        &[],
        b"",
    );
    assert!(
        reply.text().contains("<Key>odd/a b+c%.csv</Key>"),
        "{}",
        reply.text()
    );
    assert!(!reply.text().contains("EncodingType"));
}

#[test]
fn a_put_with_a_condition_replaces_only_what_it_knows() {
    let local = Local::start();
    let put = |headers: &[(&str, &str)], body: &[u8]| {
        code(&local.http("PUT", "/bkt/approved.json", headers, body))
    };
    let new = [("If-None-Match", "*")];
    // The MD5 of `one`, in quotes as tags are.
    let known = [("If-Match", "\"f97c5d29941bfb1b2fdab0874906ab82\"")];
    assert_eq!(put(&known, b"two"), (404, "NoSuchKey".to_owned()));
    assert_eq!(put(&new, b"one").0, 200);
    assert_eq!(put(&new, b"two"), (412, "PreconditionFailed".to_owned()));
    assert_eq!(local.get("approved.json"), b"one");
    assert_eq!(put(&known, b"two").0, 200);
    assert_eq!(
        put(&known, b"three"),
        (412, "PreconditionFailed".to_owned())
    );
    assert_eq!(local.get("approved.json"), b"two");
}
