// librdkafka, loaded when the first topic is opened: it brings TLS, SASL and its own threads, which no other command should pay for.
// The functions used, found by name, and wrappers for what Swift cannot call (variadic produce, callbacks). No logic beyond that.
#ifndef KCONNECT_CKAFKA_H
#define KCONNECT_CKAFKA_H
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

/// Loads librdkafka.so.1 once; false when it is not installed (`ckafka_load_error` says why). Thread-safe.
bool ckafka_load(void);
const char *_Nonnull ckafka_load_error(void);

// Call the rest only after ckafka_load() returned true.
const char *_Nonnull ckafka_version(void);
rd_kafka_conf_t *_Nonnull ckafka_conf_new(void);
void ckafka_conf_destroy(rd_kafka_conf_t *_Nonnull conf);
rd_kafka_conf_res_t ckafka_conf_set(rd_kafka_conf_t *_Nonnull conf, const char *_Nonnull name, const char *_Nonnull value, char *_Nonnull error, size_t error_size);
/// Names and values of all settings, alternating; freed with ckafka_conf_dump_free.
const char *_Nullable *_Nullable ckafka_conf_dump(rd_kafka_conf_t *_Nonnull conf, size_t *_Nonnull count);
void ckafka_conf_dump_free(const char *_Nullable *_Nonnull dump, size_t count);
const char *_Nonnull ckafka_error_text(rd_kafka_resp_err_t code);
const char *_Nonnull ckafka_error_name(rd_kafka_resp_err_t code);

/// A client with the last error it reported (all brokers down, authentication, …), and, for producers, what became of messages.
typedef struct ckafka_client ckafka_client;
/// Takes over `conf` when it succeeds; nil with `error` filled otherwise.
ckafka_client *_Nullable ckafka_client_new(bool is_producer, rd_kafka_conf_t *_Nonnull conf, char *_Nonnull error, size_t error_size);
void ckafka_client_destroy(ckafka_client *_Nonnull client);
/// The last error of the client itself, 0 when there was none since the last call; `text` gets its words.
rd_kafka_resp_err_t ckafka_client_error(ckafka_client *_Nonnull client, char *_Nonnull text, size_t text_size);

// Metadata and offsets; timeouts are milliseconds.
/// All topics with their partitions.
rd_kafka_resp_err_t ckafka_metadata(ckafka_client *_Nonnull client, const struct rd_kafka_metadata *_Nullable *_Nonnull out, int timeout);
void ckafka_metadata_destroy(const struct rd_kafka_metadata *_Nonnull metadata);
rd_kafka_resp_err_t ckafka_watermarks(ckafka_client *_Nonnull client, const char *_Nonnull topic, int32_t partition, int64_t *_Nonnull low, int64_t *_Nonnull high, int timeout);
rd_kafka_resp_err_t ckafka_offsets_for_times(ckafka_client *_Nonnull client, rd_kafka_topic_partition_list_t *_Nonnull offsets, int timeout);
rd_kafka_topic_partition_list_t *_Nonnull ckafka_list_new(int size);
rd_kafka_topic_partition_t *_Nonnull ckafka_list_add(rd_kafka_topic_partition_list_t *_Nonnull list, const char *_Nonnull topic, int32_t partition);
void ckafka_list_destroy(rd_kafka_topic_partition_list_t *_Nonnull list);

// Reading.
/// Replaces what the consumer reads; nil: nothing.
rd_kafka_resp_err_t ckafka_assign(ckafka_client *_Nonnull client, rd_kafka_topic_partition_list_t *_Nullable list);
/// Stops fetching the partitions of a list until the next assignment.
rd_kafka_resp_err_t ckafka_pause(ckafka_client *_Nonnull client, rd_kafka_topic_partition_list_t *_Nonnull list);
/// Messages that have come, `size` at most, after waiting `timeout` for the first; -1 on failure. Each is freed with ckafka_message_destroy.
ssize_t ckafka_consume(ckafka_client *_Nonnull client, int timeout, rd_kafka_message_t *_Nullable *_Nonnull messages, size_t size);
void ckafka_message_destroy(rd_kafka_message_t *_Nonnull message);
const char *_Nonnull ckafka_message_topic(const rd_kafka_message_t *_Nonnull message);
const char *_Nonnull ckafka_message_error(const rd_kafka_message_t *_Nonnull message);
/// Milliseconds since 1970 and 0 (created) or 1 (appended to the log); -1 and -1 when the message has none.
int64_t ckafka_message_timestamp(const rd_kafka_message_t *_Nonnull message, int *_Nonnull type);
/// Header `i`; false behind the last. The bytes live as long as the message.
bool ckafka_message_header(const rd_kafka_message_t *_Nonnull message, size_t i, const char *_Nullable *_Nonnull name, const void *_Nullable *_Nonnull value, size_t *_Nonnull size);

// Writing.
typedef struct {
  const char *_Nonnull name;
  const void *_Nullable value;
  size_t size;
} ckafka_header;
/// Queues a copy of a message. A nil key or value is null. RD_KAFKA_RESP_ERR__QUEUE_FULL: call ckafka_poll and try again.
rd_kafka_resp_err_t ckafka_produce(
    ckafka_client *_Nonnull client, const char *_Nonnull topic, int32_t partition, const void *_Nullable key, size_t key_size,
    const void *_Nullable value, size_t value_size, const ckafka_header *_Nullable headers, size_t header_count);
void ckafka_poll(ckafka_client *_Nonnull client, int timeout);
rd_kafka_resp_err_t ckafka_flush(ckafka_client *_Nonnull client, int timeout);
/// Forgets messages that have not been sent.
void ckafka_purge(ckafka_client *_Nonnull client);
/// Messages that brokers have acknowledged, and the number that failed with the first error.
void ckafka_deliveries(ckafka_client *_Nonnull client, uint64_t *_Nonnull delivered, uint64_t *_Nonnull failed, rd_kafka_resp_err_t *_Nonnull first);
#endif
