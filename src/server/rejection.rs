//! Responses to requests that never reach the router.
//!
//! The server always responds and never just closes the connection: the API server does not repeat a review whose
//! connection failed, but it repeats one that got `503` with `Retry-After`.

use axum::http::header::{CONNECTION, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use strum::IntoStaticStr;

/// Why a request is rejected before its content is evaluated.
#[derive(Clone, Copy, Debug, IntoStaticStr, PartialEq, Eq, Hash)]
#[strum(serialize_all = "kebab-case")]
pub enum Rejection {
    /// The body is incomplete.
    BrokenBody,
    /// The body is longer than `--body-bytes` (or `--bodies-bytes`).
    #[strum(serialize = "long-body")]
    BodyTooLong,
    /// The length of the body is unknown: the request has no `Content-Length`.
    NoContentLength,
    /// The process is not ready.
    NotReady,
    /// The body did not arrive within `--body-timeout`.
    SlowBody,
    /// With this body all bodies together exceed `--bodies-bytes`, or those of its peer address exceed its share.
    TooManyBytes,
    /// `--reviews` reviews are in progress, or the share of its peer address.
    TooManyReviews,
}

impl Rejection {
    /// The name in metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }

    fn status(self) -> StatusCode {
        match self {
            Self::BrokenBody => StatusCode::BAD_REQUEST,
            Self::BodyTooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NoContentLength => StatusCode::LENGTH_REQUIRED,
            Self::NotReady | Self::SlowBody | Self::TooManyBytes | Self::TooManyReviews => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::BrokenBody => "the request body is incomplete\n",
            Self::BodyTooLong => "the request body is longer than this server allows\n",
            Self::NoContentLength => {
                "set the Content-Length header: this server requires it for a request with a body\n"
            }
            Self::NotReady => "not ready; try again\n",
            Self::SlowBody => "the request body arrived too slowly; try again\n",
            Self::TooManyBytes => "too many bytes in request bodies at once; try again\n",
            Self::TooManyReviews => "too many reviews at once; try again\n",
        }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.text()).into_response();
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
