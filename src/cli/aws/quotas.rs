//! [`Quotas`] by aws-sdk-servicequotas.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_servicequotas::Client;
use aws_sdk_servicequotas::types::ServiceQuota;

use super::{AwsError, Quota, Quotas};

/// The largest page of both lists.
const PAGE: i32 = 100;
const SERVICE: &str = "sagemaker";

/// Service Quotas.
#[derive(Debug)]
pub(super) struct ServiceQuotas(pub(super) Client);

#[async_trait]
impl Quotas for ServiceQuotas {
    async fn of_sagemaker(&self, names: &[String]) -> Result<BTreeMap<String, Quota>, AwsError> {
        let mut found = BTreeMap::new();
        // What was never applied to this account is in the second list alone.
        self.applied(names, &mut found).await?;
        if found.len() < names.len() {
            self.defaults(names, &mut found).await?;
        }
        Ok(found)
    }
}

impl ServiceQuotas {
    async fn applied(
        &self,
        names: &[String],
        found: &mut BTreeMap<String, Quota>,
    ) -> Result<(), AwsError> {
        let call = self.0.list_service_quotas().service_code(SERVICE);
        let mut pages = call.max_results(PAGE).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|err| AwsError::from_sdk("ListServiceQuotas", &err))?;
            take_in(page.quotas.unwrap_or_default(), names, false, found);
            if found.len() == names.len() {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn defaults(
        &self,
        names: &[String],
        found: &mut BTreeMap<String, Quota>,
    ) -> Result<(), AwsError> {
        let call = self
            .0
            .list_aws_default_service_quotas()
            .service_code(SERVICE);
        let mut pages = call.max_results(PAGE).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page =
                page.map_err(|err| AwsError::from_sdk("ListAWSDefaultServiceQuotas", &err))?;
            take_in(page.quotas.unwrap_or_default(), names, true, found);
            if found.len() == names.len() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Keeps those of the wanted names that are not known yet.
fn take_in(
    quotas: Vec<ServiceQuota>,
    names: &[String],
    is_default: bool,
    found: &mut BTreeMap<String, Quota>,
) {
    for it in quotas {
        let (Some(name), Some(value)) = (it.quota_name, it.value) else {
            continue;
        };
        if names.contains(&name) {
            found.entry(name).or_insert(Quota {
                code: it.quota_code.unwrap_or_default(),
                value,
                is_default,
            });
        }
    }
}
