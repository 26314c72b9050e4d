// Role: Kafka brokers for tests, in a process that outlives the programs under test. Prints the bootstrap address, then obeys lines on
// standard input until it ends; answers each with one line.
//
//     topic NAME PARTITIONS              creates a topic
//     produce NAME PARTITION COUNT TEXT  sends TEXT-0, TEXT-1, … with keys k-0, k-1, … and times 1700000000000 + i
//     bulk NAME PARTITION COUNT SIZE     sends COUNT messages of SIZE bytes, for retention (5 MiB a partition)
//     tombstone NAME PARTITION           sends a key without a value
//     header NAME PARTITION              sends a message with the headers a=1, b=null
//     down | up                          takes the brokers off the network, and back
//     fail KEY CODE COUNT                answers the next COUNT requests of that API key with an error code
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rd_kafka_t *producer;

static void produce(const char *topic, int partition, const char *key, const char *value, size_t size, long long time, rd_kafka_headers_t *headers) {
  for (;;) {
    rd_kafka_resp_err_t code = rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY(key, key ? strlen(key) : 0),
        RD_KAFKA_V_VALUE((void *)value, size), RD_KAFKA_V_TIMESTAMP(time), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_END);
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) return;
    rd_kafka_poll(producer, 100);
  }
}

int main(int count, char **arguments) {
  int brokers = count > 1 ? atoi(arguments[1]) : 1;
  char error[512];
  rd_kafka_t *host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), error, sizeof error);
  if (!host) return fprintf(stderr, "%s\n", error), 1;
  rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new(host, brokers);
  if (!cluster) return fprintf(stderr, "no cluster\n"), 1;
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster), error, sizeof error);
  rd_kafka_conf_set(conf, "linger.ms", "0", error, sizeof error);
  producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  if (!producer) return fprintf(stderr, "%s\n", error), 1;
  printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
  fflush(stdout);
  char line[4096], topic[256], text[1024];
  int partition, number, size;
  while (fgets(line, sizeof line, stdin)) {
    const char *answer = "ok";
    if (sscanf(line, "topic %255s %d", topic, &number) == 2) {
      if (rd_kafka_mock_topic_create(cluster, topic, number, brokers)) answer = "failed";
    } else if (sscanf(line, "produce %255s %d %d %1023s", topic, &partition, &number, text) == 4) {
      char key[32], value[1100];
      for (int i = 0; i < number; i++) {
        snprintf(key, sizeof key, "k-%d", i);
        snprintf(value, sizeof value, "%s-%d", text, i);
        produce(topic, partition, key, value, strlen(value), 1700000000000LL + i, NULL);
      }
    } else if (sscanf(line, "bulk %255s %d %d %d", topic, &partition, &number, &size) == 4) {
      char *value = calloc(1, (size_t)size);
      memset(value, 'x', (size_t)size);
      for (int i = 0; i < number; i++) {
        produce(topic, partition, "bulk", value, (size_t)size, 1700000000000LL + i, NULL);
        rd_kafka_flush(producer, 10000);
      }
      free(value);
    } else if (sscanf(line, "tombstone %255s %d", topic, &partition) == 2) {
      produce(topic, partition, "gone", NULL, 0, 1700000000000LL, NULL);
    } else if (sscanf(line, "header %255s %d", topic, &partition) == 2) {
      rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
      rd_kafka_header_add(headers, "a", -1, "1", 1);
      rd_kafka_header_add(headers, "b", -1, NULL, 0);
      produce(topic, partition, "h", "with headers", 12, 1700000000000LL, headers);
    } else if (!strncmp(line, "down", 4) || !strncmp(line, "up", 2)) {
      for (int i = 1; i <= brokers; i++) {
        if (line[0] == 'd') rd_kafka_mock_broker_set_down(cluster, i);
        else rd_kafka_mock_broker_set_up(cluster, i);
      }
    } else if (sscanf(line, "fail %d %d %d", &partition, &size, &number) == 3) {
      for (int i = 0; i < number; i++) rd_kafka_mock_push_request_errors(cluster, (int16_t)partition, 1, (rd_kafka_resp_err_t)size);
    } else {
      answer = "unknown command";
    }
    if (line[0] != 'd' && rd_kafka_flush(producer, 10000)) answer = "not delivered";
    printf("%s\n", answer);
    fflush(stdout);
  }
  rd_kafka_destroy(producer);
  rd_kafka_mock_cluster_destroy(cluster);
  rd_kafka_destroy(host);
  return 0;
}
