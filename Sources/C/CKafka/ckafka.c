#include "ckafka.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS(F)                                                        \
  F(version_str) F(conf_new) F(conf_destroy) F(conf_set) F(conf_dump) F(conf_dump_free) F(conf_set_opaque) F(conf_set_dr_msg_cb)          \
  F(conf_set_error_cb) F(conf_set_log_cb) F(new) F(destroy_flags) F(err2str) F(err2name) F(metadata) F(metadata_destroy) F(query_watermark_offsets)     \
  F(offsets_for_times) F(topic_partition_list_new) F(topic_partition_list_add) F(topic_partition_list_destroy) F(assign)                  \
  F(pause_partitions) F(resume_partitions) F(poll_set_consumer) F(queue_get_consumer) F(queue_destroy) F(consume_batch_queue) F(message_destroy)               \
  F(topic_name) F(message_timestamp) F(message_headers) F(header_get_all) F(headers_new) F(header_add) F(headers_destroy) F(producev)     \
  F(poll) F(flush) F(purge)

static struct {
#define FIELD(name) __typeof__(&rd_kafka_##name) name;
  FUNCTIONS(FIELD)
#undef FIELD
} kafka;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_loaded = false;
static char load_error[256] = "librdkafka was not asked for";

static void load(void) {
  void *library = dlopen("librdkafka.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    strncpy(load_error, dlerror(), sizeof load_error - 1);
    return;
  }
#define FIND(name)                                                                                                    \
  *(void **)&kafka.name = dlsym(library, "rd_kafka_" #name);                                                          \
  if (!kafka.name) { strncpy(load_error, "librdkafka lacks rd_kafka_" #name, sizeof load_error - 1); return; }
  FUNCTIONS(FIND)
#undef FIND
  is_loaded = true;
}

bool ckafka_load(void) {
  pthread_once(&once, load);
  return is_loaded;
}
const char *ckafka_load_error(void) { return load_error; }
const char *ckafka_version(void) { return kafka.version_str(); }
rd_kafka_conf_t *ckafka_conf_new(void) { return kafka.conf_new(); }
void ckafka_conf_destroy(rd_kafka_conf_t *conf) { kafka.conf_destroy(conf); }
rd_kafka_conf_res_t ckafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, char *error, size_t error_size) {
  return kafka.conf_set(conf, name, value, error, error_size);
}
const char **ckafka_conf_dump(rd_kafka_conf_t *conf, size_t *count) { return kafka.conf_dump(conf, count); }
void ckafka_conf_dump_free(const char **dump, size_t count) { kafka.conf_dump_free(dump, count); }
const char *ckafka_error_text(rd_kafka_resp_err_t code) { return kafka.err2str(code); }
const char *ckafka_error_name(rd_kafka_resp_err_t code) { return kafka.err2name(code); }

struct ckafka_client {
  rd_kafka_t *handle;
  rd_kafka_queue_t *queue;
  bool is_producer;
  pthread_mutex_t mutex;
  rd_kafka_resp_err_t error;
  char error_text[512];
  uint64_t delivered, failed;
  rd_kafka_resp_err_t first_failure;
};

static void on_error(rd_kafka_t *handle, int code, const char *reason, void *opaque) {
  ckafka_client *client = opaque;
  pthread_mutex_lock(&client->mutex);
  client->error = code;
  strncpy(client->error_text, reason ? reason : "", sizeof client->error_text - 1);
  pthread_mutex_unlock(&client->mutex);
}

static void on_delivery(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque) {
  ckafka_client *client = opaque;
  pthread_mutex_lock(&client->mutex);
  if (message->err) {
    if (!client->failed++) client->first_failure = message->err;
  } else {
    client->delivered++;
  }
  pthread_mutex_unlock(&client->mutex);
}

/// What the library would print on stderr comes back through errors.
static void on_log(const rd_kafka_t *handle, int level, const char *facility, const char *text) {}

ckafka_client *ckafka_client_new(bool is_producer, rd_kafka_conf_t *conf, char *error, size_t error_size) {
  ckafka_client *client = calloc(1, sizeof *client);
  if (!client) {
    strncpy(error, "out of memory", error_size);
    return NULL;
  }
  pthread_mutex_init(&client->mutex, NULL);
  client->is_producer = is_producer;
  kafka.conf_set_opaque(conf, client);
  kafka.conf_set_error_cb(conf, on_error);
  kafka.conf_set_log_cb(conf, on_log);
  if (is_producer) kafka.conf_set_dr_msg_cb(conf, on_delivery);
  client->handle = kafka.new(is_producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, error, error_size);
  if (!client->handle) {
    pthread_mutex_destroy(&client->mutex);
    free(client);
    return NULL;
  }
  if (!is_producer) {
    kafka.poll_set_consumer(client->handle);
    client->queue = kafka.queue_get_consumer(client->handle);
  }
  return client;
}

void ckafka_client_destroy(ckafka_client *client) {
  if (client->queue) kafka.queue_destroy(client->queue);
  kafka.destroy_flags(client->handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  pthread_mutex_destroy(&client->mutex);
  free(client);
}

rd_kafka_resp_err_t ckafka_client_error(ckafka_client *client, char *text, size_t text_size) {
  pthread_mutex_lock(&client->mutex);
  rd_kafka_resp_err_t code = client->error;
  strncpy(text, client->error_text, text_size - 1);
  text[text_size - 1] = 0;
  client->error = RD_KAFKA_RESP_ERR_NO_ERROR;
  pthread_mutex_unlock(&client->mutex);
  return code;
}

rd_kafka_resp_err_t ckafka_metadata(ckafka_client *client, const struct rd_kafka_metadata **out, int timeout) {
  return kafka.metadata(client->handle, 1, NULL, out, timeout);
}
void ckafka_metadata_destroy(const struct rd_kafka_metadata *metadata) { kafka.metadata_destroy(metadata); }
rd_kafka_resp_err_t ckafka_watermarks(ckafka_client *client, const char *topic, int32_t partition, int64_t *low, int64_t *high, int timeout) {
  return kafka.query_watermark_offsets(client->handle, topic, partition, low, high, timeout);
}
rd_kafka_resp_err_t ckafka_offsets_for_times(ckafka_client *client, rd_kafka_topic_partition_list_t *offsets, int timeout) {
  return kafka.offsets_for_times(client->handle, offsets, timeout);
}
rd_kafka_topic_partition_list_t *ckafka_list_new(int size) { return kafka.topic_partition_list_new(size); }
rd_kafka_topic_partition_t *ckafka_list_add(rd_kafka_topic_partition_list_t *list, const char *topic, int32_t partition) {
  return kafka.topic_partition_list_add(list, topic, partition);
}
void ckafka_list_destroy(rd_kafka_topic_partition_list_t *list) { kafka.topic_partition_list_destroy(list); }

rd_kafka_resp_err_t ckafka_assign(ckafka_client *client, rd_kafka_topic_partition_list_t *list) {
  rd_kafka_resp_err_t code = kafka.assign(client->handle, list);
  // A pause outlives the assignment it was made in.
  return code || !list ? code : kafka.resume_partitions(client->handle, list);
}
rd_kafka_resp_err_t ckafka_pause(ckafka_client *client, rd_kafka_topic_partition_list_t *list) { return kafka.pause_partitions(client->handle, list); }
ssize_t ckafka_consume(ckafka_client *client, int timeout, rd_kafka_message_t **messages, size_t size) {
  return kafka.consume_batch_queue(client->queue, timeout, messages, size);
}
void ckafka_message_destroy(rd_kafka_message_t *message) { kafka.message_destroy(message); }
const char *ckafka_message_topic(const rd_kafka_message_t *message) { return message->rkt ? kafka.topic_name(message->rkt) : ""; }
const char *ckafka_message_error(const rd_kafka_message_t *message) {
  return message->payload ? (const char *)message->payload : kafka.err2str(message->err);
}
int64_t ckafka_message_timestamp(const rd_kafka_message_t *message, int *type) {
  rd_kafka_timestamp_type_t kind;
  int64_t time = kafka.message_timestamp(message, &kind);
  *type = kind == RD_KAFKA_TIMESTAMP_CREATE_TIME ? 0 : kind == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? 1 : -1;
  return *type < 0 ? -1 : time;
}
bool ckafka_message_header(const rd_kafka_message_t *message, size_t i, const char **name, const void **value, size_t *size) {
  rd_kafka_headers_t *headers;
  if (kafka.message_headers(message, &headers)) return false;
  return kafka.header_get_all(headers, i, name, value, size) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t ckafka_produce(
    ckafka_client *client, const char *topic, int32_t partition, const void *key, size_t key_size, const void *value, size_t value_size,
    const ckafka_header *headers, size_t header_count) {
  rd_kafka_headers_t *list = NULL;
  if (header_count) {
    list = kafka.headers_new(header_count);
    for (size_t i = 0; i < header_count; i++) kafka.header_add(list, headers[i].name, -1, headers[i].value, (ssize_t)headers[i].size);
  }
  rd_kafka_resp_err_t code = list
      ? kafka.producev(
            client->handle, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY(key, key_size),
            RD_KAFKA_V_VALUE((void *)value, value_size), RD_KAFKA_V_HEADERS(list), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END)
      : kafka.producev(
            client->handle, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY(key, key_size),
            RD_KAFKA_V_VALUE((void *)value, value_size), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
  // The client owns the headers of a message it has taken.
  if (code && list) kafka.headers_destroy(list);
  return code;
}
void ckafka_poll(ckafka_client *client, int timeout) { kafka.poll(client->handle, timeout); }
rd_kafka_resp_err_t ckafka_flush(ckafka_client *client, int timeout) { return kafka.flush(client->handle, timeout); }
void ckafka_purge(ckafka_client *client) {
  kafka.purge(client->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  kafka.poll(client->handle, 0);
}
void ckafka_deliveries(ckafka_client *client, uint64_t *delivered, uint64_t *failed, rd_kafka_resp_err_t *first) {
  pthread_mutex_lock(&client->mutex);
  *delivered = client->delivered;
  *failed = client->failed;
  *first = client->first_failure;
  pthread_mutex_unlock(&client->mutex);
}
