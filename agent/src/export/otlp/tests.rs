//! Addresses, answers and data points.

use super::*;
use crate::export::instruments::Instruments;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

#[test]
fn an_address_is_told_without_its_secrets_and_they_are_sent_as_headers() {
    let target = Target::read("http://me:hush@127.0.0.1:4318/base/", " x-key = abc ,b=c").expect("it is one");
    assert_eq!(target.address, "http://127.0.0.1:4318/base");
    let header = |name: &str| target.headers.get(name).and_then(|value| value.to_str().ok());
    assert_eq!(header("authorization"), Some("Basic bWU6aHVzaA=="));
    assert_eq!((header("x-key"), header("b")), (Some("abc"), Some("c")));
    let shown = format!("{target:?}");
    assert!(!shown.contains("abc") && !shown.contains("bWU6aHVzaA"), "{shown}");
}

#[test]
fn what_is_no_address_of_a_collector_is_refused_without_repeating_it() {
    for url in ["https://me:hush@127.0.0.1:4318", "127.0.0.1:4318", "http://", "http://h/?token=hush", "ftp://hush"] {
        let complaint = Target::read(url, "").expect_err("it is none");
        assert!(complaint.contains("http://HOST:PORT") && !complaint.contains("hush"), "{url}: {complaint}");
    }
    let complaint = Target::read("http://h", "hush").expect_err("headers have values");
    assert!(complaint.contains(HEADERS_VARIABLE) && !complaint.contains("hush"), "{complaint}");
}

#[test]
fn what_may_pass_is_sent_again_and_what_is_wrong_is_not() {
    let mut headers = HeaderMap::new();
    let judged = |status: u16, headers: &HeaderMap| {
        judge(StatusCode::from_u16(status).expect("it is one"), headers).map_err(|refusal| refusal.again)
    };
    assert_eq!(judged(200, &headers), Ok(()));
    for status in [429, 502, 503, 504] {
        assert_eq!(judged(status, &headers), Err(Some(None)), "{status}");
    }
    for status in [301, 400, 401, 404, 413, 500] {
        assert_eq!(judged(status, &headers), Err(None), "{status}");
    }
    headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
    assert_eq!(judged(503, &headers), Err(Some(Some(Duration::from_secs(7)))));
}

#[test]
fn values_become_cumulative_points_with_the_conventions_names() {
    let mut all = Instruments::default();
    let steps = all.counter("pocketpilot.steps", "{step}", &["pocketpilot.game"], "Steps.");
    let usage = all.histogram(("gen_ai.x", &[1.0, 4.0]), "{token}", &["gen_ai.token.type", "error.type"], "Tokens.");
    steps.with_label_values(&["3"]).inc_by(5.0);
    let seen = usage.with_label_values(&["input", ""]);
    [0.5, 1.0, 3.0, 100.0].iter().for_each(|value| seen.observe(*value));
    let made: Vec<Metric> =
        all.families().map(|(definition, family)| points::metric(definition, &family, 1, 2)).collect();
    let Some(Data::Sum(sum)) = &made[0].data else { panic!("{:?}", made[0]) };
    assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
    assert_eq!(sum.data_points[0].attributes, [text("pocketpilot.game", "3")]);
    let Some(Data::Histogram(histogram)) = &made[1].data else { panic!("{:?}", made[1]) };
    let point = &histogram.data_points[0];
    assert_eq!((point.count, point.sum), (4, Some(104.5)));
    assert_eq!((&point.bucket_counts[..], &point.explicit_bounds[..]), (&[2, 1, 1][..], &[1.0, 4.0][..]));
    assert_eq!(point.attributes, [text("gen_ai.token.type", "input")], "what has no value is not there");
}
