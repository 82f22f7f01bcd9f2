//! The fields of the Kubernetes types that the rules were written for. This file does not compile with a version of
//! `k8s-openapi` that adds a field. Then check whether the new field is another way to pass a key to a gateway.

use k8s_openapi::api::core::v1::{
    Container, EnvFromSource, EnvVar, EnvVarSource, EphemeralContainer, ExecAction, ImageVolumeSource, Lifecycle,
    LifecycleHandler, PodSpec, Probe, Volume, VolumeMount, VolumeProjection,
};

#[test]
fn every_field_that_can_carry_a_setting_was_checked() {
    pod_spec(&PodSpec::default());
    container(&Container::default());
    ephemeral_container(&EphemeralContainer::default());
    env_var(&EnvVar::default());
    env_var_source(&EnvVarSource::default());
    env_from_source(&EnvFromSource::default());
    lifecycle(&Lifecycle::default(), &LifecycleHandler::default());
    probe(&Probe::default(), &ExecAction::default());
    volume(&Volume::default(), &ImageVolumeSource::default());
    volume_mount(&VolumeMount::default());
    volume_projection(&VolumeProjection::default());
}

#[allow(clippy::too_many_lines, reason = "a list of fields, one a line")]
fn pod_spec(it: &PodSpec) {
    let PodSpec {
        active_deadline_seconds: _,
        affinity: _,
        automount_service_account_token: _,
        containers: _,
        dns_config: _,
        dns_policy: _,
        enable_service_links: _,
        ephemeral_containers: _,
        eviction_responders: _,
        host_aliases: _,
        host_ipc: _,
        host_network: _,
        host_pid: _,
        host_users: _,
        hostname: _,
        hostname_override: _,
        image_pull_secrets: _,
        init_containers: _,
        node_name: _,
        node_selector: _,
        os: _,
        overhead: _,
        preemption_policy: _,
        priority: _,
        priority_class_name: _,
        readiness_gates: _,
        resource_claims: _,
        resources: _,
        restart_policy: _,
        runtime_class_name: _,
        scheduler_name: _,
        scheduling_gates: _,
        scheduling_group: _,
        security_context: _,
        service_account: _,
        service_account_name: _,
        set_hostname_as_fqdn: _,
        share_process_namespace: _,
        subdomain: _,
        termination_grace_period_seconds: _,
        tolerations: _,
        topology_spread_constraints: _,
        volumes: _,
    } = it;
}

fn container(it: &Container) {
    let Container {
        args: _,
        command: _,
        env: _,
        env_from: _,
        image: _,
        image_pull_policy: _,
        lifecycle: _,
        liveness_probe: _,
        name: _,
        ports: _,
        readiness_probe: _,
        resize_policy: _,
        resources: _,
        restart_policy: _,
        restart_policy_rules: _,
        security_context: _,
        startup_probe: _,
        stdin: _,
        stdin_once: _,
        termination_message_path: _,
        termination_message_policy: _,
        tty: _,
        volume_devices: _,
        volume_mounts: _,
        working_dir: _,
    } = it;
}

fn ephemeral_container(it: &EphemeralContainer) {
    let EphemeralContainer {
        args: _,
        command: _,
        env: _,
        env_from: _,
        image: _,
        image_pull_policy: _,
        lifecycle: _,
        liveness_probe: _,
        name: _,
        ports: _,
        readiness_probe: _,
        resize_policy: _,
        resources: _,
        restart_policy: _,
        restart_policy_rules: _,
        security_context: _,
        startup_probe: _,
        stdin: _,
        stdin_once: _,
        target_container_name: _,
        termination_message_path: _,
        termination_message_policy: _,
        tty: _,
        volume_devices: _,
        volume_mounts: _,
        working_dir: _,
    } = it;
}

fn env_var(it: &EnvVar) {
    let EnvVar { name: _, value: _, value_from: _ } = it;
}

fn env_var_source(it: &EnvVarSource) {
    let EnvVarSource { config_map_key_ref: _, field_ref: _, file_key_ref: _, resource_field_ref: _, secret_key_ref: _ } =
        it;
}

fn env_from_source(it: &EnvFromSource) {
    let EnvFromSource { config_map_ref: _, prefix: _, secret_ref: _ } = it;
}

fn lifecycle(it: &Lifecycle, handler: &LifecycleHandler) {
    let Lifecycle { post_start: _, pre_stop: _, stop_signal: _ } = it;
    let LifecycleHandler { exec: _, http_get: _, sleep: _, tcp_socket: _ } = handler;
}

fn probe(it: &Probe, exec: &ExecAction) {
    let Probe {
        exec: _,
        failure_threshold: _,
        grpc: _,
        http_get: _,
        initial_delay_seconds: _,
        period_seconds: _,
        success_threshold: _,
        tcp_socket: _,
        termination_grace_period_seconds: _,
        timeout_seconds: _,
    } = it;
    let ExecAction { command: _ } = exec;
}

fn volume(it: &Volume, image: &ImageVolumeSource) {
    let Volume {
        aws_elastic_block_store: _,
        azure_disk: _,
        azure_file: _,
        cephfs: _,
        cinder: _,
        config_map: _,
        csi: _,
        downward_api: _,
        empty_dir: _,
        ephemeral: _,
        fc: _,
        flex_volume: _,
        flocker: _,
        gce_persistent_disk: _,
        git_repo: _,
        glusterfs: _,
        host_path: _,
        image: _,
        iscsi: _,
        name: _,
        nfs: _,
        persistent_volume_claim: _,
        photon_persistent_disk: _,
        portworx_volume: _,
        projected: _,
        quobyte: _,
        rbd: _,
        scale_io: _,
        secret: _,
        storageos: _,
        vsphere_volume: _,
    } = it;
    let ImageVolumeSource { pull_policy: _, reference: _ } = image;
}

fn volume_mount(it: &VolumeMount) {
    let VolumeMount {
        bind_mount_options: _,
        mount_path: _,
        mount_propagation: _,
        name: _,
        read_only: _,
        recursive_read_only: _,
        sub_path: _,
        sub_path_expr: _,
    } = it;
}

fn volume_projection(it: &VolumeProjection) {
    let VolumeProjection {
        cluster_trust_bundle: _,
        config_map: _,
        downward_api: _,
        pod_certificate: _,
        secret: _,
        service_account_token: _,
    } = it;
}
