"""Names of modules that Ansible's content uses: one that wherry lacks is an error only when its task would run."""

from __future__ import annotations

_WORDS = """
add_host apt apt_key apt_repository assemble assert async_status blockinfile command copy cron deb822_repository debconf
debug dnf dnf5 dpkg_selections expect fail fetch file find gather_facts get_url getent git group group_by hostname import_playbook
import_role import_tasks include include_role include_tasks include_vars iptables known_hosts lineinfile meta mount_facts package
package_facts pause ping pip raw reboot replace rpm_key script service service_facts set_fact set_stats setup shell slurp stat
subversion systemd systemd_service sysvinit tempfile template unarchive uri user validate_argument_spec wait_for
wait_for_connection win_command win_copy win_file win_shell yum yum_repository
acl at authorized_key firewalld firewalld_info mount patch rhel_facts rhel_rpm_ostree rpm_ostree_upgrade seboolean selinux
synchronize sysctl
aix_filesystem alternatives ansible_galaxy_install apk apt_repo apt_rpm archive bower bundler bzr capabilities cargo composer consul
consul_kv copr cpanm cronvar crypttab datadog_event dconf django_manage dnf_config_manager dnf_versionlock easy_install ejabberd_user
etcd3 facter facter_facts filesystem flatpak flatpak_remote gconftool2 gem git_config git_config_info github_deploy_key github_release
github_webhook gitlab_project gitlab_runner grafana_dashboard gunicorn haproxy hg homebrew homebrew_cask homebrew_tap hponcfg htpasswd
icinga2_host influxdb_database influxdb_user ini_file installp interfaces_file ip_netns ipa_user ipify_facts iso_create iso_extract
jabber java_cert java_keystore jenkins_job jenkins_plugin jenkins_script jira kernel_blacklist keycloak_realm ldap_attrs ldap_entry
ldap_passwd ldap_search listen_ports_facts lldp locale_gen logstash_plugin lvg lvol lxc_container lxd_container lxd_profile macports
mail make mattermost modprobe monit mqtt nagios netcat newrelic_deployment nginx_status_facts nmcli nomad_job nosh npm nsupdate
ohai open_iscsi openbsd_pkg opkg osx_defaults pacemaker_cluster pacman pacman_key pagerduty pam_limits pamd parted pear pids pip_package_info
pipx pkg5 pkgin pkgng pkgutil portage portinstall proxmox puppet python_requirements_info rabbitmq_user redhat_subscription redis
rhsm_repository rundeck_job runit sefcontext selinux_permissive selogin seport sendgrid slack slackpkg snap snap_alias snmp_facts
sorcery ssh_config statusio_maintenance sudoers supervisorctl svc svr4pkg swdepot syspatch syslogger telegram terraform timezone twilio
udm_user ufw urpmi vdo vertica_user wakeonlan xattr xbps xfconf xfs_quota xml yarn zfs zfs_facts znode zpool_facts zypper
zypper_repository
docker_compose docker_compose_v2 docker_container docker_container_info docker_host_info docker_image docker_login docker_network
docker_prune docker_stack docker_swarm docker_volume podman_container podman_image
mysql_db mysql_info mysql_query mysql_replication mysql_user mysql_variables postgresql_db postgresql_ext postgresql_info
postgresql_ping postgresql_pg_hba postgresql_privs postgresql_query postgresql_schema postgresql_set postgresql_user mongodb_user
proxysql_backend_servers rabbitmq_plugin rabbitmq_vhost
openssl_certificate openssl_csr openssl_dhparam openssl_pkcs12 openssl_privatekey openssl_publickey x509_certificate acme_certificate
openssh_keypair openssh_cert luks_device get_certificate
ec2 ec2_ami ec2_eip ec2_group ec2_instance ec2_key ec2_vpc_net ec2_vpc_subnet elb_application_lb iam_role iam_user lambda rds route53
s3 s3_bucket s3_object cloudformation azure_rm_resourcegroup azure_rm_virtualmachine gcp_compute_instance digital_ocean digital_ocean_droplet
hcloud_server os_server vultr_instance linode scaleway_compute vmware_guest virt virt_net virt_pool
helm helm_repository k8s k8s_exec k8s_info k8s_scale oc
ios_command ios_config junos_config nxos_config eos_config vyos_config vyos_command cli_command cli_config net_ping netconf_config
cloudflare_dns zabbix_host zabbix_agent
"""

NAMES = frozenset(_WORDS.split())


def known_to_ansible(name: str) -> bool:
    """Whether content written for Ansible may use this module: a listed name, or a name of any collection."""
    return name in NAMES or name.count(".") >= 2
