//! Values of instruments as OTLP's data points: cumulative, from the beginning of this process on.

use super::{Definition, Kind, text};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum,
};
use prometheus::proto::{LabelPair, MetricFamily};

/// What an instrument says now; both times are in nanoseconds since 1970.
pub fn metric(definition: &Definition, family: &MetricFamily, began: u64, now: u64) -> Metric {
    let values = family.get_metric();
    let number = |labels: &[LabelPair], value: f64| NumberDataPoint {
        attributes: attributes(definition, labels),
        start_time_unix_nano: began,
        time_unix_nano: now,
        value: Some(Value::AsDouble(value)),
        ..NumberDataPoint::default()
    };
    let temporality = AggregationTemporality::Cumulative.into();
    let data = match definition.kind {
        Kind::Counter => Data::Sum(Sum {
            data_points: values.iter().map(|it| number(it.get_label(), it.get_counter().get_value())).collect(),
            aggregation_temporality: temporality,
            is_monotonic: true,
        }),
        Kind::Gauge => Data::Gauge(Gauge {
            data_points: values.iter().map(|it| number(it.get_label(), it.get_gauge().get_value())).collect(),
        }),
        Kind::Histogram(bounds) => {
            let points = values.iter().map(|it| {
                let histogram = it.get_histogram();
                let upto = histogram.get_bucket().iter().map(|bucket| bucket.cumulative_count());
                let count = histogram.get_sample_count();
                HistogramDataPoint {
                    attributes: attributes(definition, it.get_label()),
                    start_time_unix_nano: began,
                    time_unix_nano: now,
                    count,
                    sum: Some(histogram.get_sample_sum()),
                    bucket_counts: differences(upto.take(bounds.len()).chain([count])),
                    explicit_bounds: bounds.to_vec(),
                    ..HistogramDataPoint::default()
                }
            });
            Data::Histogram(Histogram { data_points: points.collect(), aggregation_temporality: temporality })
        }
    };
    Metric {
        name: definition.name.to_string(),
        description: definition.help.to_string(),
        unit: definition.unit.to_string(),
        data: Some(data),
        ..Metric::default()
    }
}

/// What has no value is not there.
fn attributes(definition: &Definition, labels: &[LabelPair]) -> Vec<KeyValue> {
    let there = labels.iter().filter(|label| !label.value().is_empty());
    there.map(|label| text(definition.key_of(label.name()), label.value())).collect()
}

fn differences(upto: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut before = 0;
    upto.map(|count| count - std::mem::replace(&mut before, count).min(count)).collect()
}
