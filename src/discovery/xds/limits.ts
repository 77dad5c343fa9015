/** What an xDS server may make us keep: named, so that tests and SECURITY.md can name it. */

/** One answer of the ADS stream; 10,000 endpoints take about 1 MiB. More ends the stream. */
export const ADS_MESSAGE_BYTES_MAX = 67_108_864;
/** How long a server may leave a request unread; then the stream is ended. */
export const REQUEST_UNREAD_MS = 60_000;
/** Resources of one type that are kept; those beyond are refused, and the answer is NACKed. */
export const XDS_RESOURCES_MAX = 65_536;
/** Endpoints of one ClusterLoadAssignment. */
export const XDS_ENDPOINTS_MAX = 65_536;
/** Priorities of one cluster, those of an aggregate's children together. */
export const XDS_PRIORITIES_MAX = 128;
/** If the aggregate cluster graph has a depth greater than 16 (A37): refused. */
export const AGGREGATE_DEPTH_MAX = 16;
/** Clusters of one aggregate's tree, itself and the aggregates below included: each is watched. */
export const AGGREGATE_CLUSTERS_MAX = 256;
/** Characters of a NACK's reason, and of what a server says that is shown. */
export const XDS_REASON_CHARS_MAX = 1_024;
