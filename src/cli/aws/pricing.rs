//! [`PriceList`] by aws-sdk-pricing.
//!
//! A product comes as JSON in a string: `product.attributes` has the instance's name, `terms.OnDemand` the price of an
//! hour in US dollars. Source: AWS Price List API, `GetProducts`, service `AmazonSageMaker`.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_pricing::Client;
use aws_sdk_pricing::types::{Filter, FilterType};
use serde_json::Value;

use super::{AwsError, AwsErrorKind, ListPrice, PriceList};

/// The price list is served in a few regions only; this one has it for all of them.
pub(super) const REGION: &str = "us-east-1";
const SERVICE: &str = "AmazonSageMaker";

/// The Pricing API.
#[derive(Debug)]
pub(super) struct Pricing(pub(super) Client);

#[async_trait]
impl PriceList for Pricing {
    async fn training(&self, region: &str) -> Result<(Vec<ListPrice>, usize), AwsError> {
        let filters = [
            ("productFamily", "ML Instance"),
            ("regionCode", region),
            ("platoinstancetype", "Training"),
        ];
        let mut call = self.0.get_products().service_code(SERVICE);
        for (field, value) in filters {
            let filter = Filter::builder()
                .r#type(FilterType::TermMatch)
                .field(field)
                .value(value)
                .build();
            let filter = filter.map_err(|err| {
                AwsError::of(AwsErrorKind::Invalid, "GetProducts", err.to_string())
            })?;
            call = call.filters(filter);
        }
        let mut pages = call.into_paginator().send();
        let mut prices = BTreeMap::new();
        let mut n_unread = 0;
        while let Some(page) = pages.next().await {
            let page = page.map_err(|err| AwsError::from_sdk("GetProducts", &err))?;
            for text in page.price_list.unwrap_or_default() {
                match product(&text) {
                    Some(it) => {
                        prices.insert(it.instance_type, it.usd_per_hour);
                    }
                    None => n_unread += 1,
                }
            }
        }
        let prices = prices
            .into_iter()
            .map(|(instance_type, usd_per_hour)| ListPrice {
                instance_type,
                usd_per_hour,
            });
        Ok((prices.collect(), n_unread))
    }
}

/// Type and price of a product; `None` if it has not exactly one price above 0 by the hour in US dollars.
fn product(text: &str) -> Option<ListPrice> {
    let product: Value = serde_json::from_str(text).ok()?;
    let attributes = &product["product"]["attributes"];
    // `ml.m5.large`; older products have the component in the name too: `ml.m5.large-Training`.
    let name = attributes["instanceName"]
        .as_str()
        .or_else(|| attributes["instanceType"].as_str())?;
    let instance_type = name.split('-').next().filter(|it| it.starts_with("ml."))?;
    let terms = product["terms"]["OnDemand"].as_object()?;
    let mut prices = terms
        .values()
        .filter_map(|it| it["priceDimensions"].as_object())
        .flat_map(|it| it.values())
        .filter(|it| {
            let unit = it["unit"].as_str().unwrap_or_default();
            unit.eq_ignore_ascii_case("hrs") || unit.eq_ignore_ascii_case("hours")
        })
        .filter_map(|it| it["pricePerUnit"]["USD"].as_str()?.parse::<f64>().ok())
        .filter(|it| it.is_finite() && *it > 0.0);
    let usd_per_hour = prices.next()?;
    if prices.any(|it| it != usd_per_hour) {
        return None;
    }
    Some(ListPrice {
        instance_type: instance_type.to_owned(),
        usd_per_hour,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, unit: &str, prices: &[&str]) -> String {
        let dimensions: serde_json::Map<String, Value> = prices
            .iter()
            .enumerate()
            .map(|(at, usd)| {
                let price = serde_json::json!({ "unit": unit, "pricePerUnit": { "USD": usd } });
                (format!("d{at}"), price)
            })
            .collect();
        serde_json::json!({
            "product": { "attributes": { "instanceName": name } },
            "terms": { "OnDemand": { "t": { "priceDimensions": dimensions } } },
        })
        .to_string()
    }

    #[test]
    fn a_product_has_one_price_by_the_hour_or_none() {
        let price = |text: &str| product(text).map(|it| (it.instance_type, it.usd_per_hour));
        let large = || "ml.m5.large".to_owned();
        assert_eq!(
            price(&text("ml.m5.large", "Hrs", &["0.1150000000"])),
            Some((large(), 0.115))
        );
        assert_eq!(
            price(&text("ml.m5.large-Training", "hours", &["0.0", "0.2"])),
            Some((large(), 0.2))
        );
        assert_eq!(price(&text("ml.m5.large", "GB-Mo", &["0.1"])), None);
        assert_eq!(price(&text("ml.m5.large", "Hrs", &["0.1", "0.2"])), None);
        assert_eq!(price(&text("studio", "Hrs", &["0.1"])), None);
        assert_eq!(price("{"), None);
    }
}
